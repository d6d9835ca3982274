using Npgsql;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Postgres.History;

/// <summary>Reads past events from the log, for watches that begin in the past or have fallen behind.</summary>
public sealed class EventReader(Database database)
{
    private const int MaxRows = 2000;

    /// <summary>Bytes of values after which a read ends, always at the end of a revision.</summary>
    private const long MaxBytes = 4 * 1024 * 1024;

    private const int SecondsLimit = 60;

    private const string Columns = "r.revision, r.sub, r.key, r.value, r.create_revision, r.version, r.lease";

    // A created key has no previous value; values from before the compact revision are gone (semantics.md §6, §7).
    private const string Previous = """
        , p.value, p.create_revision, p.version, p.lease, p.revision, p.sub
        from pgetcd.revisions r left join lateral (
            select * from pgetcd.revisions o
            where substr(o.key, 1, 1024) = substr(r.key, 1, 1024) and o.key = r.key and o.revision < r.revision
            order by o.revision desc, o.sub desc limit 1) p
            on r.create_revision <> r.revision and r.revision > $5
        """;

    private const string InRange = """
         where r.revision between $1 and $2
            and substr(r.key, 1, 1024) >= substr($3, 1, 1024) and r.key >= $3
            and ($4::bytea is null or (substr(r.key, 1, 1024) <= substr($4, 1, 1024) and r.key < $4))
        order by r.revision, r.sub limit $6
        """;

    private const string Sql = $"select {Columns} from pgetcd.revisions r{InRange}";
    private const string PreviousSql = $"select {Columns}{Previous}{InRange}";

    /// <summary>Reads the next events of a range: whole revisions, up to a reasonable size.</summary>
    /// <param name="range">The keys.</param>
    /// <param name="from">The first revision.</param>
    /// <param name="to">The last revision.</param>
    /// <param name="withPrevious">Whether the events carry the previous value.</param>
    public async Task<LoggedEvents> ReadAsync(KeyRange range, long from, long to, bool withPrevious, CancellationToken cancellationToken)
    {
        await using Snapshot snapshot = await Snapshot.OpenAsync(database, cancellationToken);
        LogPosition position = await RevisionLog.PositionAsync(database, snapshot.Connection, cancellationToken);
        to = Math.Min(to, position.Revision);
        if (from < position.CompactRevision)
        {
            return new LoggedEvents([], from - 1, position.CompactRevision);
        }

        (List<KvEvent> events, bool isCut) = await ReadAsync(
            snapshot, range, from, to, withPrevious, position.CompactRevision, MaxRows, cancellationToken);
        long last = to;
        if (isCut)
        {
            long cut = events[^1].Revision;
            if (events[0].Revision == cut)
            {
                // One revision alone exceeds the size of a read. The client still gets it in one piece.
                last = cut;
                (events, _) = await ReadAsync(
                    snapshot, range, cut, cut, withPrevious, position.CompactRevision, int.MaxValue, cancellationToken);
            }
            else
            {
                last = cut - 1;
                events.RemoveAll(change => change.Revision == cut);
            }
        }

        return new LoggedEvents(events, last, position.CompactRevision);
    }

    private static async Task<(List<KvEvent> Events, bool IsCut)> ReadAsync(
        Snapshot snapshot, KeyRange range, long from, long to, bool withPrevious, long compactRevision, int limit,
        CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = snapshot.Command(
            withPrevious ? PreviousSql : Sql, from, to, range.Start, range.SqlEnd(), compactRevision, limit);
        command.CommandTimeout = SecondsLimit;
        List<KvEvent> events = [];
        long bytes = 0;
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            KvEvent change = Event(reader, withPrevious);
            events.Add(change);
            bytes += (change.Record?.Encoded.Length ?? 0) + (change.Previous?.Encoded.Length ?? 0);
            if (bytes > MaxBytes && change.Revision != events[0].Revision)
            {
                command.Cancel(); // otherwise the rest would have to be read, too
                return (events, true);
            }
        }

        return (events, events.Count == limit);
    }

    private static KvEvent Event(NpgsqlDataReader reader, bool withPrevious)
    {
        LogRow row = LogRow.Read(reader);
        KeyRecord? previous = !withPrevious || reader.IsDBNull(7) ? null : new KeyRecord(
            row.Key, reader.GetFieldValue<byte[]>(7), createRevision: reader.GetInt64(8), modRevision: reader.GetInt64(11),
            sub: reader.GetInt32(12), version: reader.GetInt64(9), lease: reader.GetInt64(10));
        return new KvEvent(row.Key, row.ToRecord(), previous, row.Revision, row.Sub);
    }
}

/// <summary>A piece of the log.</summary>
/// <param name="Events">The events of the range, whole revisions in order.</param>
/// <param name="Last">The last revision that was read: the range has no other events up to it.</param>
/// <param name="CompactRevision">The compaction mark at the time of the read. If it is above the first revision of the request, nothing
/// was read.</param>
public sealed record LoggedEvents(IReadOnlyList<KvEvent> Events, long Last, long CompactRevision);
