using System.Buffers;
using System.Runtime.InteropServices;
using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.History;

/// <summary>Builds the current state of the key space out of the log: what a frontend starts from.</summary>
/// <remarks>docs/decisions/0004-start-by-replay.md compares the two ways.</remarks>
public sealed class StateLoader(Database database)
{
    /// <summary>To look a key up costs as much as to replay so many rows.</summary>
    private const int RowsPerLookup = 4;

    /// <summary>From one report to the next, in rows.</summary>
    private const int RowsPerReport = 10_000;

    // As of the last ANALYZE; -1 rows for a table that has had none. A negative n_distinct is a share of the rows.
    private const string SizesSql = """
        select c.reltuples::float8,
            case when s.n_distinct < 0 then -s.n_distinct * c.reltuples else s.n_distinct end::float8
        from pg_class c left join pg_stats s on s.schemaname = 'pgetcd' and s.tablename = c.relname and s.attname = 'key'
        where c.oid = 'pgetcd.revisions'::regclass
        """;

    private const string Columns = "revision, sub, key, value, create_revision, version, lease";

    // The log from its beginning, as it lies on disk.
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

    /// <summary>Builds the current state. The time follows the live keys, not the history, as far as the statistics of PostgreSQL
    /// tell the two apart.</summary>
    /// <param name="progress">Told every 10,000 rows and at the end; not needed.</param>
    /// <param name="cancellationToken">Gives up.</param>
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

    /// <summary>Looks key after key up.</summary>
    /// <returns>Null when the keys turn out to be so many that a replay is faster: their number may be underestimated by far.</returns>
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

    /// <summary>Bytes into a buffer that all rows share: an array for each would be most of what is allocated.</summary>
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

/// <summary>How far loading the state has come.</summary>
/// <param name="Rows">Rows that have been read.</param>
/// <param name="Expected">About how many there are; 0 when not known.</param>
public readonly record struct LoadedRows(long Rows, long Expected);
