using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.History;

/// <summary>Reads past states of the key space from the log, for historical ranges.</summary>
public sealed class StateReader(Database database)
{
    private const string RangeSql = """
        select mod_revision, sub, key, case when $5 then value else '' end, create_revision, version, lease
        from pgetcd.range_at($1, $2, $3) order by key limit $4
        """;

    private const string CountSql = "select count(*) from pgetcd.range_at($1, $2, $3)";

    /// <summary>The keys of a range as they were at a past revision, in key order.</summary>
    /// <param name="range">The range; not empty.</param>
    /// <param name="revision">The revision.</param>
    /// <param name="limit">Most keys; <see cref="long.MaxValue"/> for all.</param>
    /// <param name="withValues">Whether values are read; otherwise they are empty.</param>
    /// <param name="most">Most bytes of the keys and values.</param>
    /// <returns>The position in the same snapshot (the revision may have been compacted by then), the keys, and their number without
    /// the limit.</returns>
    /// <exception cref="AnswerTooLargeException">The encoded records exceed that size.</exception>
    public async Task<(LogPosition Position, List<KeyRecord> Records, long Count)> RangeAtAsync(
        KeyRange range, long revision, long limit, CancellationToken cancellationToken, bool withValues = true,
        long most = AnswerTooLargeException.Limit)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken);
        LogPosition position = await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken);
        long size = 0;
        List<KeyRecord> records = await snapshot.Command(RangeSql, revision, range.Start, range.SqlEnd(), limit, withValues).ListAsync(
            reader =>
            {
                KeyRecord record = LogRow.Read(reader).ToRecord()!;
                size = AnswerTooLargeException.Add(size, record.Encoded.Length, most);
                return record;
            },
            cancellationToken);
        long count = records.Count < limit
            ? records.Count
            : (long)(await snapshot.Command(CountSql, revision, range.Start, range.SqlEnd()).ScalarAsync(cancellationToken))!;
        return (position, records, count);
    }
}
