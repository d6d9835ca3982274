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
/// <param name="database">The store.</param>
/// <param name="keysPerWalk">Number of keys that justifies another connection when the newest rows are looked up.</param>
public sealed class StateLoader(Database database, long keysPerWalk = 50_000)
{
    /// <summary>Each walk keeps one core busy in PostgreSQL, and a third of one here.</summary>
    private const int MostWalks = 4;

    /// <summary>Number of rows whose replay costs as much as the look-up of a key.</summary>
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

    // Entries of the index by key that divide it into pieces with about the same number of rows.
    private const string BoundsSql = """
        select distinct substr(bound, 1, 1024)
        from pg_stats s, pg_catalog.unnest(s.histogram_bounds::text::bytea[]) as bound
        where s.schemaname = 'pgetcd' and s.tablename = 'revisions' and s.attname = 'key'
        order by 1
        """;

    // From the newest row of an entry of the index by key to that of the next entry, from $2 to before $3, which is no condition on the
    // index: PostgreSQL checks those on all entries of a page. Long keys may share an entry.
    private const string NewestSql = $"""
        with recursive newest as (
            select f.* from (
                select {Columns}, substr(r.key, 1, 1024) as entry
                from pgetcd.revisions r where substr(r.key, 1, 1024) >= $2
                order by substr(r.key, 1, 1024), r.revision desc, r.sub desc limit 1) f
            where f.entry < $3
            union all
            select n.* from newest l, lateral (
                select {Columns}, substr(r.key, 1, 1024) as entry
                from pgetcd.revisions r where substr(r.key, 1, 1024) > l.entry
                order by substr(r.key, 1, 1024), r.revision desc, r.sub desc limit 1) n
            where n.entry < $3
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

    // Greater than each entry.
    private static readonly byte[] BehindEntries = [.. Enumerable.Repeat(byte.MaxValue, 1025)];

    /// <summary>Builds the current state. The time depends on the live keys, not on the history, as far as PostgreSQL's statistics
    /// distinguish them.</summary>
    /// <param name="progress">Reported to every 10,000 rows and at the end, by one thread at a time; may be null.</param>
    /// <param name="cancellationToken">Abandons the load.</param>
    public async Task<(LogPosition Position, KeySpace Keys)> LoadAsync(
        IProgress<LoadedRows>? progress, CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken, PlannerSql);
        LogPosition position = await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken);
        (double rows, double? keys) = await snapshot.Command(SizesSql).FirstAsync<(double, double?)>(cancellationToken);
        KeyTree tree = (keys is { } known && known * RowsPerLookup < rows
                ? await NewestAsync(snapshot, rows, (long)known, progress, cancellationToken)
                : null)
            ?? await ReadAsync(snapshot.Command(ReplaySql), new Count(progress, (long)Math.Max(rows, 0)), cancellationToken);
        return (position, KeySpace.Load(position.Revision, position.CompactRevision, tree));
    }

    /// <summary>Looks up key after key, in several pieces of the key space at once if there are enough keys.</summary>
    /// <returns>Null if there are so many keys that a replay is faster: the estimate of their number may be far too low.</returns>
    private async Task<KeyTree?> NewestAsync(
        Snapshot snapshot, double rows, long keys, IProgress<LoadedRows>? progress, CancellationToken cancellationToken)
    {
        long limit = (long)(rows / RowsPerLookup);
        Count count = new(progress, keys);
        int most = Math.Min(MostWalks, database.ConnectionString.MaxPoolSize);
        byte[][] bounds = await BoundsAsync(snapshot, (int)Math.Clamp(keys / keysPerWalk, 1, most), cancellationToken);
        string? exported = bounds.Length == 2 ? null : await snapshot.ExportAsync(cancellationToken);
        KeyTree[] pieces = await Task.WhenAll(Enumerable.Range(0, bounds.Length - 1).Select(async i =>
        {
            await using Snapshot? own = i == 0 ? null : await Snapshot.OpenAsync(database, cancellationToken, PlannerSql, exported);
            return await ReadAsync((own ?? snapshot).Command(NewestSql, limit, bounds[i], bounds[i + 1]), count, cancellationToken);
        }));
        return count.Rows < limit ? KeyTree.Joined(pieces) : null;
    }

    /// <summary>The beginnings of all pieces, in order, and the end of the last.</summary>
    private static async Task<byte[][]> BoundsAsync(Snapshot snapshot, int pieces, CancellationToken cancellationToken)
    {
        List<byte[]> known = pieces == 1
            ? []
            : await snapshot.Command(BoundsSql).ListAsync<byte[]>(cancellationToken);
        IEnumerable<byte[]> inner = known.Count < pieces
            ? []
            : Enumerable.Range(1, pieces - 1).Select(i => known[known.Count * i / pieces]);
        return [[], .. inner, BehindEntries];
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
                tree.Add(new KeyRecord(
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

    /// <summary>Counts the rows of all walks.</summary>
    private sealed class Count(IProgress<LoadedRows>? progress, long expected)
    {
        private readonly Lock _reporting = new();
        private long _rows;

        public long Rows => Interlocked.Read(ref _rows);

        public void Next()
        {
            if (Interlocked.Increment(ref _rows) % RowsPerReport == 0)
            {
                Report();
            }
        }

        public void Report()
        {
            lock (_reporting)
            {
                progress?.Report(new LoadedRows(Rows, expected));
            }
        }
    }
}

/// <summary>The progress of loading the state.</summary>
/// <param name="Rows">Rows that have been read.</param>
/// <param name="Expected">An estimate of their total; 0 if unknown.</param>
public readonly record struct LoadedRows(long Rows, long Expected);
