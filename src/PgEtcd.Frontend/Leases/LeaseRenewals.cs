using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>Gathers the keep-alives of all streams: one statement at a time renews all leases requested during the previous one.</summary>
internal sealed class LeaseRenewals
{
    /// <summary>Interval of checking on a lease that has expired and is not revoked yet.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    private readonly LeaseTable _table;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly SharedCalls<long, (Dictionary<long, long?> Ttls, long Revision)> _calls;
    private long _statements;

    /// <param name="table">The leases.</param>
    /// <param name="database">The database of the leases.</param>
    /// <param name="timeLimit">How long a keep-alive may take.</param>
    /// <param name="clock">Measures all times but those of the leases.</param>
    public LeaseRenewals(LeaseTable table, Database database, TimeSpan timeLimit, TimeProvider clock)
    {
        _table = table;
        _timeLimit = timeLimit;
        _clock = clock;
        _calls = new SharedCalls<long, (Dictionary<long, long?> Ttls, long Revision)>(database, timeLimit, clock, SendAsync);
    }

    /// <summary>Statements sent since the start: far fewer than keep-alives if many arrive at once.</summary>
    public long Statements => Volatile.Read(ref _statements);

    /// <summary>Renews a lease to its full TTL.</summary>
    /// <param name="id">The lease.</param>
    /// <returns>The answer; for an expired lease, once it is revoked (semantics.md §8) or renewed after an outage.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<Renewal> RenewAsync(long id)
    {
        long started = _clock.GetTimestamp();
        for (long? revision = null; ;)
        {
            (Dictionary<long, long?> found, long head) = await _calls.AskAsync(id, out _);
            revision ??= head; // from before the lease was revoked
            if (!found.TryGetValue(id, out long? ttl))
            {
                return new Renewal(0, revision.Value);
            }

            if (ttl is not null)
            {
                LeaseMetrics.Renewed.Add(1);
                return new Renewal(ttl.Value, revision.Value);
            }

            if (_clock.GetElapsedTime(started) > _timeLimit)
            {
                throw new StoreUnavailableException();
            }

            await Task.Delay(LookAgain, _clock); // the leader revokes the lease, and nothing here is notified of that
        }
    }

    /// <summary>Sends one statement.</summary>
    private Task<(Dictionary<long, long?> Ttls, long Revision)> SendAsync(IReadOnlyList<long> asked, CancellationToken cancellationToken)
    {
        HashSet<long> ids = [.. asked];
        Interlocked.Increment(ref _statements);
        LeaseMetrics.RenewalBatch.Record(ids.Count);
        return _table.KeepAliveAsync(ids, cancellationToken);
    }
}

/// <summary>The answer to a keep-alive.</summary>
/// <param name="Ttl">Seconds; 0 when the lease is gone.</param>
/// <param name="Revision">The log's revision before the renewal.</param>
public readonly record struct Renewal(long Ttl, long Revision);
