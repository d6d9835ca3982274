using System.Runtime.CompilerServices;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.Transfer.Kine;

/// <summary>Reads the table in which kine keeps the store of a k3s, in one snapshot, as changes of the log (docs/guides/kine.md has the
/// rules).</summary>
/// <remarks>A row of kine is a revision, which is its id. Two values that kine does not store are derived: the create revision of a
/// creation, and versions, which are counted from the rows that compaction has left.</remarks>
/// <param name="source">kine's database.</param>
/// <param name="snapshot">The transaction.</param>
/// <param name="table">The table's name with its schema, quoted.</param>
/// <param name="end">The marks of the table in the snapshot.</param>
/// <param name="counts">The content to import.</param>
public sealed class KineTable(Database source, Snapshot snapshot, string table, (long, long, long) end, KineCounts counts)
    : IAsyncDisposable
{
    /// <summary>kine stores only the TTLs of leases: the id of a lease is this number plus its TTL.</summary>
    private const long FirstLease = 0x6b696e65_0000_0000; // "kine"

    private static readonly string[] Columns = ["id", "name", "created", "deleted", "create_revision", "prev_revision", "lease", "value"];

    private const string SettingsSql = """
        set transaction read only; set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0; set local jit = off
        """;

    // kine's own search path, which differs from that of PgEtcd's sessions.
    private const string KinesPathSql = """
        select pg_catalog.set_config('search_path', s.reset_val, true) from pg_catalog.pg_settings s where s.name = 'search_path'
        """;

    private const string FindSql = """
        select pg_catalog.format('%I.%I', n.nspname, c.relname), array(
            select a.attname::text from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped)
        from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        where c.oid = pg_catalog.to_regclass($1)
        """;

    private const string OurPathSql = "set local search_path = pg_catalog, pg_temp";

    // Numbers drawn from the sequence are never used again, whatever happened to their rows.
    private const string EndSql = """
        select coalesce((select max(id) from {0}), 0)::bigint,
            coalesce((select pg_sequence_last_value(s::regclass) from pg_get_serial_sequence($1, 'id') s where s is not null), 0)::bigint,
            coalesce((select max(prev_revision) from {0} where name = 'compact_rev_key'), 0)::bigint
        """;

    // The rows that are changes: neither the mark of the compaction, nor the rows with which kine fills holes. A generation of a key goes
    // from its creation to its deletion; kept_start tells whether its creation is still there, and a put after a tombstone is one.
    private const string Changes = """
        with rows as (
            select k.id::bigint as id, k.name::text collate "C" as name, coalesce(k.created, 0) <> 0 as is_created,
                coalesce(k.deleted, 0) <> 0 as is_deleted, coalesce(k.create_revision, 0)::bigint as create_revision,
                case when k.name = 'compact_rev_key_apiserver'
                    then substring(encode(substr(k.value, 1, 20), 'escape') from '^[0-9]{{1,18}}(?=$|\|)')::bigint end as stated_version
            from {0} k where k.name <> 'compact_rev_key' and not starts_with(k.name::text, 'gap-')),
        ordered as (
            select r.*, lag(r.is_deleted) over w as after_delete, lead(r.id) over w as next_id,
                count(*) filter (where r.is_created or r.is_deleted) over w as generation
            from rows r window w as (partition by r.name order by r.id)),
        changes as (
            select o.id, o.is_deleted, o.next_id, not (o.is_deleted and coalesce(o.after_delete, true)) as is_sound,
                first_value(o.is_created or coalesce(o.after_delete, o.id = 1)) over w as kept_start,
                first_value(o.id) over w as first_id, first_value(o.create_revision) over w as create_revision,
                first_value(o.stated_version) over w as stated_version, row_number() over w as place
            from ordered o window w as (partition by o.name, o.generation, o.is_deleted order by o.id))
        """;

    // History is complete above the last number without a change.
    private const string HoleSql = Changes + """

        select coalesce(max(s.id) filter (where s.previous is distinct from s.id - 1), 1) - 1, coalesce(max(s.id), 0)
        from (select c.id, lag(c.id) over (order by c.id) as previous from changes c where c.is_sound) s
        """;

    // Above the mark all changes, at and below it the state of the keys.
    private const string Kept = Changes + """

        , kept as (
            select c.id, c.is_deleted, c.next_id is null as is_newest,
                not c.kept_start and not c.is_deleted and c.stated_version is null as is_unknown,
                case when c.kept_start then c.first_id when c.create_revision between 1 and c.first_id - 1 then c.create_revision
                    else greatest(c.first_id - 1, 1) end as create_revision,
                case when c.kept_start then c.place else greatest(coalesce(c.stated_version, 2), 2) + c.place - 1 end as version
            from changes c
            where c.id > $1 or (not c.is_deleted and coalesce(c.next_id > $1, true)))
        """;

    private const string CountSql = Kept + """

        select count(*), count(*) filter (where n.is_newest and not n.is_deleted), count(*) filter (where n.is_unknown),
            (select count(*) from {0} g where starts_with(g.name::text, 'gap-'))
        from kept n
        """;

    private const string RowsSql = Kept + """

        select n.id, convert_to(k.name::text, 'UTF8'), case when n.is_deleted then null else coalesce(k.value, '') end,
            case when n.is_deleted then 0 else n.create_revision end, case when n.is_deleted then 0 else n.version end,
            case when n.is_deleted or k.lease is null or k.lease <= 0 then 0 else k.lease::bigint end, n.is_newest
        from kept n join {0} k on k.id = n.id
        order by n.id
        """;

    /// <summary>The content to import.</summary>
    public KineCounts Counts => counts;

    /// <summary>Opens the snapshot and surveys it.</summary>
    /// <param name="source">kine's database.</param>
    /// <param name="table">The table's name, with its schema if that is not in the search path.</param>
    /// <param name="withHistory">Whether to include changes, as far as they are complete; else only the keys' current values.</param>
    /// <exception cref="DatabaseStartException">The table does not exist, or is not kine's.</exception>
    public static Task<KineTable> OpenAsync(Database source, string table, bool withHistory, CancellationToken cancellationToken) =>
        Snapshot.OpenForAsync(
            source, SettingsSql, snapshot => SurveyAsync(source, snapshot, table, withHistory, cancellationToken), cancellationToken);

    /// <summary>The changes to import, in order.</summary>
    /// <returns>Each with whether it is the last of its key.</returns>
    public async IAsyncEnumerable<(LogRow Row, bool IsNewest)> RowsAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = snapshot.Command(Named(RowsSql, table), counts.CompactRevision).WithoutLimit();
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            long lease = reader.GetInt64(5);
            (byte[] key, byte[]? value) = ApiServersOwn(reader.GetFieldValue<byte[]>(1), reader.BytesOrNull(2));
            yield return (
                new LogRow(
                    reader.GetInt64(0), 0, key, value, reader.GetInt64(3), reader.GetInt64(4), lease == 0 ? 0 : FirstLease + lease),
                reader.GetBoolean(6));
        }
    }

    /// <summary>Whether nothing has been written since the snapshot.</summary>
    public async Task<bool> IsUnchangedAsync(CancellationToken cancellationToken) =>
        await EndAsync(source.Command(Named(EndSql, table), table), cancellationToken) == end;

    /// <summary>The seconds of a lease of <see cref="RowsAsync"/>.</summary>
    internal static long TtlOf(long lease) => lease - FirstLease;

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => snapshot.DisposeAsync();

    private static async Task<KineTable> SurveyAsync(
        Database source, Snapshot snapshot, string table, bool withHistory, CancellationToken cancellationToken)
    {
        string name = await FindAsync(snapshot, table, cancellationToken);
        (long, long, long) end = await EndAsync(snapshot.Command(Named(EndSql, name), name), cancellationToken);
        (long lastId, long drawn, long compacted) = end;
        long revision = Math.Max(Math.Max(1, lastId), Math.Max(drawn, compacted));
        long mark = revision;
        if (withHistory)
        {
            (long hole, long last) = await snapshot.Command(Named(HoleSql, name)).WithoutLimit()
                .FirstAsync<(long, long)>(cancellationToken);
            // No client has seen a number that was drawn for a row and never written; as a hole it would cost the whole history for
            // nothing.
            revision = Math.Max(Math.Max(1, lastId), compacted);
            mark = last < revision ? revision : Math.Max(1, Math.Max(hole, compacted));
        }

        (long rows, long keys, long unknown, long gaps) =
            await snapshot.Command(Named(CountSql, name), mark).WithoutLimit().FirstAsync<(long, long, long, long)>(cancellationToken);
        return new KineTable(source, snapshot, name, end, new KineCounts(revision, mark, rows, keys, unknown, gaps));
    }

    private static async Task<string> FindAsync(Snapshot snapshot, string table, CancellationToken cancellationToken)
    {
        await snapshot.Command(KinesPathSql).ScalarAsync(cancellationToken);
        (string name, string[] columns) = await snapshot.Command(FindSql, table).FirstAsync<(string, string[])>(cancellationToken);
        await snapshot.Command(OurPathSql).RunAsync(cancellationToken);
        if (name is null)
        {
            throw new DatabaseStartException($"--from: there is no table '{table}' in the database '{snapshot.Connection.Database}'.");
        }

        return Columns.Except(columns).FirstOrDefault() is { } missing
            ? throw new DatabaseStartException($"--from: the table '{table}' is not kine's: it has no column '{missing}'.")
            : name;
    }

    private static Task<(long, long, long)> EndAsync(NpgsqlCommand command, CancellationToken cancellationToken) =>
        command.WithoutLimit().FirstAsync<(long, long, long)>(cancellationToken);

    /// <summary>kube-apiserver's own compaction key, which kine keeps under another name, its version in front of the value.</summary>
    private static (byte[] Key, byte[]? Value) ApiServersOwn(byte[] key, byte[]? value)
    {
        if (!key.AsSpan().SequenceEqual("compact_rev_key_apiserver"u8))
        {
            return (key, value);
        }

        int bar = value.AsSpan().IndexOf((byte)'|');
        return ([.. "compact_rev_key"u8], value is null ? null : bar < 0 ? [.. "0"u8] : value[(bar + 1)..]);
    }

    private static string Named(string sql, string table) => string.Format(System.Globalization.CultureInfo.InvariantCulture, sql, table);
}

/// <summary>The extent of an import from kine.</summary>
/// <param name="Revision">The revision from which the store continues.</param>
/// <param name="CompactRevision">The compaction mark.</param>
/// <param name="Rows">Changes to import.</param>
/// <param name="Keys">Keys that exist at the end.</param>
/// <param name="UnknownVersions">Changes whose versions are counted from 2, because compaction has removed their predecessors.</param>
/// <param name="Gaps">Rows left out, with which kine fills holes.</param>
public sealed record KineCounts(long Revision, long CompactRevision, long Rows, long Keys, long UnknownVersions, long Gaps);
