using System.Diagnostics;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Compaction;

/// <summary>Compact (semantics.md §6): moves the compaction mark. Superseded rows are removed later (<see cref="Removal"/>).</summary>
public sealed class CompactionMark(Replica replica, Tail tail, RevisionLog log, Database database, TimeSpan timeLimit)
{
    /// <summary>Removal may run on another frontend, so its progress is read from the database at this interval.</summary>
    private static readonly TimeSpan RemovalPoll = TimeSpan.FromMilliseconds(20);

    private readonly RemovalTable _removal = new(database);

    /// <summary>Moves the mark. This frontend has taken in the new mark when the method returns.</summary>
    /// <param name="revision">The revision to compact at.</param>
    /// <param name="origin">The origin of the request.</param>
    /// <param name="physical">Whether to wait for the removal of superseded rows, even if the revision was compacted before.</param>
    /// <param name="cancellationToken">Ends that wait.</param>
    /// <returns>The reason why the mark did not move; null if it did.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<EtcdError?> CompactAsync(
        long revision, Origin origin, bool physical = false, CancellationToken cancellationToken = default)
    {
        long started = Stopwatch.GetTimestamp();
        Guid token = Guid.NewGuid();
        CompactOutcome outcome = await database.InTimeAsync(
            timeLimit, cancel => log.CompactAsync(revision, token, cancel, origin.Caller.Username, origin.Client));
        await tail.CatchUpAsync();
        EtcdError? error = outcome switch
        {
            CompactOutcome.Compacted => null,
            CompactOutcome.FutureRevision => EtcdErrors.FutureRev,
            CompactOutcome.Corrupt => EtcdErrors.Corrupt,
            _ => EtcdErrors.Compacted,
        };
        WriteMetrics.Compacted(error, started);
        if (physical && outcome is CompactOutcome.Compacted or CompactOutcome.AlreadyCompacted)
        {
            long mark = replica.Current.CompactRevision;
            while ((await database.InTimeAsync(timeLimit, _removal.ProgressAsync)).AttendedRevision < mark)
            {
                await Task.Delay(RemovalPoll, cancellationToken);
            }
        }

        return error;
    }
}
