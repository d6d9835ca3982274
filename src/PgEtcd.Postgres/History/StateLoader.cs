using System.Buffers;
using System.Runtime.InteropServices;
using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.History;

/// <summary>Builds the current state of the key space from the log, at the start of a frontend.</summary>
/// <remarks>docs/decisions/0004-start-by-replay.md compares the two ways.</remarks>
public sealed class StateLoader(Database database)
{
    /// <summary>The look-up of a key costs as much as the replay of so many rows.</summary>
    private const int RowsPerLookup = 4;

    /// <summary>Rows between two reports.</summary>
    private const int RowsPerReport = 10_000;

    // As of the last ANALYZE; -1 rows for a table that has had none. A negative n_distinct is a share of the rows.
    private const string SizesSql = """
        select c.reltuples::float8,
            case when s.n_distinct < 0 then -s.n_distinct * c.reltuples else s.n_distinct end::float8
        from pg_class c left join pg_stats s on s.schemaname = 'pgetcd' and s.tablename = c.relname and s.attname = 'key'
        where c.oid = 'pgetcd.revisions'::regclass
        """;

    private const string Columns = "revision, sub, key, value, create_revision, version, lease";

    // The log from its beginning, in the order on disk.
    private const string ReplaySql = $"select {Columns} from pgetcd.revisions order by revision, sub";

    // From the newest row of an entry of the index by key to that of the next entry. Long keys may share an entry.
    private const string NewestSql = $"""
        with recursive newest as (
            (select {Columns}, substr(r.key, 1, 1024) as entry
            from pgetcd.revisions r order by substr(r.key, 1, 1024), r.revision desc, r.sub desc limit 1)
            union all
            select n.* from newest l, lateral (
                select {Columns}, substr(r.key, 1, 1024)
                from pgetcd.revisions r where substr(r.key, 1, 1024) > l.entry
                order by substr(r.key, 1, 1024), r.revision desc, r.sub desc limit 1) n
        )
        (select {Columns} from newest where octet_length(entry) < 1024
        union all
        select n.* from newest l, lateral (
            select distinct on (r.key) {Columns}
            from pgetcd.revisions r where substr(r.key, 1, 1024) = l.entry
            order by r.key, r.revision desc, r.sub desc) n
        where octet_length(l.entry) = 1024)
        limit $1
        """;

    private const string PlannerSql =
        "set local enable_sort = off; set local enable_bitmapscan = off; set local enable_seqscan = off; set local jit = off";

    /// <summary>Builds the current state. The time follows the live keys, not the history, as far as PostgreSQL's statistics tell them
    /// apart.</summary>
    /// <param name="progress">Reported to every 10,000 rows and at the end; may be null.</param>
    /// <param name="cancellationToken">Abandons the load.</param>
    public async Task<(LogPosition Position, KeySpace Keys)> LoadAsync(
        IProgress<LoadedRows>? progress, CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, PlannerSql, cancellationToken);
        LogPosition position = await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken);
        (double rows, double? keys) = await snapshot.Command(SizesSql)
            .FirstAsync(
                static reader => (reader.GetDouble(0), reader.IsDBNull(1) ? null : (double?)reader.GetDouble(1)), cancellationToken);
        KeyTree tree = (keys is { } known && known * RowsPerLookup < rows
                ? await NewestAsync(snapshot, rows, (long)known, progress, cancellationToken)
                : null)
            ?? await ReadAsync(snapshot.Command(ReplaySql), new Count(progress, (long)Math.Max(rows, 0)), cancellationToken);
        return (position, KeySpace.Load(position.Revision, position.CompactRevision, tree));
    }

    /// <summary>Looks up key after key.</summary>
    /// <returns>Null if there turn out to be so many keys that a replay is faster: the estimate of their number may be far too
    /// low.</returns>
    private static async Task<KeyTree?> NewestAsync(
        Snapshot snapshot, double rows, long keys, IProgress<LoadedRows>? progress, CancellationToken cancellationToken)
    {
        long limit = (long)(rows / RowsPerLookup);
        Count count = new(progress, keys);
        KeyTree tree = await ReadAsync(snapshot.Command(NewestSql, limit), count, cancellationToken);
        return count.Rows < limit ? tree : null;
    }

    /// <summary>Applies rows to an empty tree.</summary>
    private static async Task<KeyTree> ReadAsync(NpgsqlCommand command, Count count, CancellationToken cancellationToken)
    {
        TreeLoader tree = new();
        ArrayBufferWriter<byte> key = new();
        ArrayBufferWriter<byte> value = new();
        await command.WithoutLimit().EachAsync(
            reader =>
            {
                count.Next();
                bool isTombstone = reader.IsDBNull(3);
                Read(reader, 2, key);
                Read(reader, 3, value);
                tree.Add(KeyRecord.Create(
                    key.WrittenSpan, value.WrittenSpan, reader.GetInt64(4), reader.GetInt64(0), reader.GetInt32(1),
                    isTombstone ? 0 : reader.GetInt64(5), reader.GetInt64(6)));
            },
            cancellationToken);
        count.Report();
        return tree.Build();
    }

    /// <summary>Reads bytes into a buffer that all rows share: an array for each would be most of the allocations.</summary>
    private static void Read(NpgsqlDataReader reader, int column, ArrayBufferWriter<byte> buffer)
    {
        buffer.ResetWrittenCount();
        int length = reader.IsDBNull(column) ? 0 : (int)reader.GetBytes(column, 0, null, 0, 0);
        if (length > 0)
        {
            MemoryMarshal.TryGetArray(buffer.GetMemory(length), out ArraySegment<byte> space);
            buffer.Advance((int)reader.GetBytes(column, 0, space.Array, space.Offset, length));
        }
    }

    private sealed class Count(IProgress<LoadedRows>? progress, long expected)
    {
        public long Rows { get; private set; }

        public void Next()
        {
            if (++Rows % RowsPerReport == 0)
            {
                Report();
            }
        }

        public void Report() => progress?.Report(new LoadedRows(Rows, expected));
    }
}

/// <summary>The progress of loading the state.</summary>
/// <param name="Rows">Rows that have been read.</param>
/// <param name="Expected">An estimate of their total; 0 if unknown.</param>
public readonly record struct LoadedRows(long Rows, long Expected);
