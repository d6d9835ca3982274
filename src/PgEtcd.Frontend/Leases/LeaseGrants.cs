using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>Gathers grants: one statement is under way at a time and grants all leases that were asked for while the one before it
/// was.</summary>
internal sealed class LeaseGrants
{
    private readonly LeaseTable _table;
    private readonly Database _database;
    private readonly TimeSpan _timeLimit;
    private readonly TimeProvider _clock;
    private readonly Rounds<Round, IReadOnlyList<LeaseGrantOutcome>> _rounds;

    /// <param name="table">The leases.</param>
    /// <param name="database">Where they are.</param>
    /// <param name="timeLimit">How long a grant may take.</param>
    /// <param name="clock">Measures it.</param>
    public LeaseGrants(LeaseTable table, Database database, TimeSpan timeLimit, TimeProvider clock)
    {
        _table = table;
        _database = database;
        _timeLimit = timeLimit;
        _clock = clock;
        _rounds = new Rounds<Round, IReadOnlyList<LeaseGrantOutcome>>(() => new Round(clock.GetTimestamp(), []), SendAsync);
    }

    /// <summary>Grants a lease.</summary>
    /// <returns>The log's revision then; null when the id is taken.</returns>
    /// <exception cref="AlarmRaisedException">An alarm forbids it.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<long?> GrantAsync(long id, long ttl)
    {
        int number = 0;
        IReadOnlyList<LeaseGrantOutcome> outcomes = await _rounds.JoinAsync(round =>
        {
            number = round.Grants.Count;
            round.Grants.Add(new LeaseGrant(id, ttl, Guid.NewGuid()));
        });
        LeaseGrantOutcome outcome = outcomes[number];
        return outcome.Refusing != AlarmKinds.None ? throw new AlarmRaisedException(outcome.Refusing)
            : outcome.IsGranted ? outcome.Revision
            : null;
    }

    private Task<IReadOnlyList<LeaseGrantOutcome>> SendAsync(Round round) => _database.InTimeAsync(
        _timeLimit - _clock.GetElapsedTime(round.Started), token => _table.GrantAsync(round.Grants, token));

    /// <summary>The grants that share one statement.</summary>
    /// <param name="Started">When the first of them came.</param>
    /// <param name="Grants">In the order in which they came.</param>
    private sealed record Round(long Started, List<LeaseGrant> Grants);
}
