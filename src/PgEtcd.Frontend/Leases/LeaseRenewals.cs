using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>Gathers the keep-alives of all streams: one statement is under way at a time and renews all leases that were
/// asked for while the one before it was.</summary>
/// <remarks>A single keep-alive goes at once. When several wait and more keep coming, they gather for up to 200 ms: fifty
/// thousand leases are kept alive by five statements a second. When no more come, there is nothing to wait for: clients that
/// send the next keep-alive only after the answer to the last are not held up.</remarks>
internal sealed class LeaseRenewals
{
    /// <summary>How often one looks again for a lease that has expired and is not revoked yet.</summary>
    private static readonly TimeSpan LookAgain = TimeSpan.FromMilliseconds(250);

    /// <summary>The longest that is gathered, from the start of one statement to that of the next.</summary>
    private static readonly TimeSpan MostGathering = TimeSpan.FromMilliseconds(200);

    /// <summary>When no renewal has come for so long, no more will. Where many wait it is longer, as many come in spurts.</summary>
    private static readonly TimeSpan Quiet = TimeSpan.FromMilliseconds(2);

    private static readonly TimeSpan QuietOfMany = TimeSpan.FromMilliseconds(10);

    private const int Many = 8;

    private readonly LeaseTable _table;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly Rounds<Round, Dictionary<long, long?>> _rounds;
    private long _lastStarted;
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
        _lastStarted = clock.GetTimestamp() - clock.TimestampFrequency;
        _rounds = new Rounds<Round, Dictionary<long, long?>>(() => new Round(clock.GetTimestamp(), []), SendAsync, GatherAsync);
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
        _lastStarted = _clock.GetTimestamp();
        TimeSpan left = _timeLimit - _clock.GetElapsedTime(round.Started);
        return await _database.InTimeAsync(left > TimeSpan.Zero ? left : TimeSpan.FromMilliseconds(1), async token =>
        {
            Interlocked.Increment(ref _statements);
            LeaseMetrics.RenewalBatch.Record(round.Ids.Count);
            return await _table.KeepAliveAsync(round.Ids, token);
        });
    }

    private async Task GatherAsync()
    {
        for (int before = 1, waiting; (waiting = _rounds.Waiting) > before && _clock.GetElapsedTime(_lastStarted) < MostGathering; before = waiting)
        {
            // Whether more come can only be told by waiting.
            await Task.Delay(waiting > Many ? QuietOfMany : Quiet, _clock);
        }
    }

    /// <summary>The renewals that share one statement.</summary>
    /// <param name="Started">When the first of them came.</param>
    /// <param name="Ids">Their leases.</param>
    private sealed record Round(long Started, HashSet<long> Ids);
}
