using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>Gathers the keep-alives of all streams: one statement is under way at a time and renews all leases that were
/// asked for while the one before it was.</summary>
internal sealed class LeaseRenewals
{
    /// <summary>How often one looks again for a lease that has expired and is not revoked yet.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    private readonly LeaseTable _table;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly Rounds<Round, Dictionary<long, long?>> _rounds;
    private long _statements;

    /// <param name="table">The leases.</param>
    /// <param name="database">Where they are.</param>
    /// <param name="timeLimit">How long a keep-alive may take.</param>
    /// <param name="clock">Measures all times but those of the leases.</param>
    public LeaseRenewals(LeaseTable table, Database database, TimeSpan timeLimit, TimeProvider clock)
    {
        _table = table;
        _database = database;
        _timeLimit = timeLimit;
        _clock = clock;
        _rounds = new Rounds<Round, Dictionary<long, long?>>(() => new Round(clock.GetTimestamp(), []), SendAsync);
    }

    /// <summary>How many statements were sent since the start: many fewer than keep-alives, if many come at once.</summary>
    public long Statements => Volatile.Read(ref _statements);

    /// <summary>Renews a lease to its full TTL.</summary>
    /// <param name="id">The lease.</param>
    /// <returns>Its TTL in seconds; 0 when it is gone. For one that has expired the answer waits until it is
    /// (semantics.md §8), or until it has been given a new life because the database was away.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<long> RenewAsync(long id)
    {
        long started = _clock.GetTimestamp();
        while (true)
        {
            Dictionary<long, long?> found = await _rounds.JoinAsync(round => round.Ids.Add(id));
            if (!found.TryGetValue(id, out long? ttl))
            {
                return 0;
            }

            if (ttl is not null)
            {
                LeaseMetrics.Renewed.Add(1);
                return ttl.Value;
            }

            if (_clock.GetElapsedTime(started) > _timeLimit)
            {
                throw new StoreUnavailableException();
            }

            await Task.Delay(LookAgain, _clock); // the leader revokes it, which nothing here is told of
        }
    }

    /// <summary>One statement; what it finds.</summary>
    private async Task<Dictionary<long, long?>> SendAsync(Round round)
    {
        TimeSpan left = _timeLimit - _clock.GetElapsedTime(round.Started);
        return await _database.InTimeAsync(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), async token =>
        {
            Interlocked.Increment(ref _statements);
            LeaseMetrics.RenewalBatch.Record(round.Ids.Count);
            return await _table.KeepAliveAsync(round.Ids, token);
        });
    }

    /// <summary>The renewals that share one statement.</summary>
    /// <param name="Started">When the first of them came.</param>
    /// <param name="Ids">Their leases.</param>
    private sealed record Round(long Started, HashSet<long> Ids);
}
