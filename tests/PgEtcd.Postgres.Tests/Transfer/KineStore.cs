using Dapper;
using Npgsql;
using PgEtcd.Testing.Postgres;

namespace PgEtcd.Postgres.Tests.Transfer;

/// <summary>A database with a table filled by kine's rules, but not by its code.</summary>
/// <param name="connectionString">The database of the table.</param>
internal sealed class KineStore(string connectionString)
{
    private readonly Dictionary<string, (long Id, long Create, byte[] Value, int Lease)> _live = [];
    private readonly Dictionary<string, long> _tombstones = [];

    public string ConnectionString => connectionString;

    /// <summary>The present keys: name=value create/mod.</summary>
    public IEnumerable<string> Live => _live.OrderBy(one => one.Key, StringComparer.Ordinal)
        .Select(one => $"{one.Key}={System.Text.Encoding.UTF8.GetString(one.Value.Value)} {one.Value.Create}/{one.Value.Id}");

    /// <summary>An empty table with kine's row for its compaction mark.</summary>
    /// <param name="isOld">Whether the table is that of the first kines, with 32-bit ids and short names.</param>
    public static async Task<KineStore> CreateAsync(PostgresFixture postgres, bool isOld = false)
    {
        KineStore store = new(await postgres.CreateDatabaseAsync());
        await store.RunAsync($"""
            create table kine (
                id {(isOld ? "serial" : "bigserial")} primary key, name {(isOld ? "varchar(630)" : "text collate \"C\"")},
                created integer, deleted integer, create_revision {(isOld ? "integer" : "bigint")} not null,
                prev_revision {(isOld ? "integer" : "bigint")}, lease integer, value bytea, old_value bytea);
            create unique index kine_name_prev_revision_uindex on kine (name, prev_revision);
            insert into kine (name, created, deleted, create_revision, prev_revision, lease, value)
            values ('compact_rev_key', 1, 0, 0, 0, 0, '');
            """);
        return store;
    }

    public Task RunAsync(string sql, object? values = null) => OnAsync(connection => connection.ExecuteAsync(sql, values));

    public Task<long> NumberAsync(string sql) => OnAsync(connection => connection.ExecuteScalarAsync<long>(sql));

    public async Task<long> PutAsync(string name, string value, int lease = 0)
    {
        byte[] bytes = LogFixture.Bytes(value);
        if (_live.TryGetValue(name, out (long Id, long Create, byte[] Value, int Lease) before))
        {
            long updated = await InsertAsync(name, 0, 0, before.Create, before.Id, lease, bytes, before.Value);
            _live[name] = (updated, before.Create, bytes, lease);
            return updated;
        }

        long created = await InsertAsync(name, 1, 0, 0, _tombstones.GetValueOrDefault(name), lease, bytes, null);
        _live[name] = (created, created, bytes, lease);
        return created;
    }

    /// <param name="isOld">Whether the tombstone repeats the deleted value, as before May 2026.</param>
    public async Task<long> DeleteAsync(string name, bool isOld = false)
    {
        _live.Remove(name, out (long Id, long Create, byte[] Value, int Lease) before);
        long id = isOld
            ? await InsertAsync(name, 0, 1, before.Create, before.Id, before.Lease, before.Value, before.Value)
            : await InsertAsync(name, 0, 1, 0, before.Id, 0, null, before.Value);
        _tombstones[name] = id;
        return id;
    }

    /// <summary>Uses up an id by a failed insert.</summary>
    public Task BurnAsync() => RunAsync("select nextval('kine_id_seq')");

    /// <summary>A gap that kine has found and closed.</summary>
    public async Task FillAsync()
    {
        long id = await NumberAsync("select nextval('kine_id_seq')");
        await RunAsync("""
            insert into kine (id, name, created, deleted, create_revision, prev_revision, lease, value)
            values (@id, 'gap-' || @id, 0, 1, 0, 0, 0, null)
            """, new { id });
    }

    public Task CompactAsync(long revision) => RunAsync("""
        delete from kine where id in (
            select k.prev_revision from kine k
            where k.name <> 'compact_rev_key' and k.prev_revision <> 0 and k.id <= @revision
            union select k.id from kine k where k.deleted <> 0 and k.id <= @revision);
        update kine set prev_revision = @revision where name = 'compact_rev_key'
        """, new { revision });

    private Task<long> InsertAsync(
        string name, int created, int deleted, long create, long previous, int lease, byte[]? value, byte[]? oldValue) =>
        OnAsync(connection => connection.ExecuteScalarAsync<long>("""
            insert into kine (name, created, deleted, create_revision, prev_revision, lease, value, old_value)
            values (@name, @created, @deleted, @create, @previous, @lease, @value, @oldValue) returning id
            """, new { name, created, deleted, create, previous, lease, value, oldValue }));

    private async Task<T> OnAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        await using NpgsqlConnection connection = new(connectionString);
        await connection.OpenAsync();
        return await work(connection);
    }
}
