using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>Grants leases; simultaneous requests share a statement.</summary>
/// <param name="table">The leases.</param>
/// <param name="database">The database of the leases.</param>
/// <param name="timeLimit">How long a grant may take.</param>
/// <param name="clock">Measures that time.</param>
internal sealed class LeaseGrants(LeaseTable table, Database database, TimeSpan timeLimit, TimeProvider clock)
{
    private readonly SharedCalls<LeaseGrant, IReadOnlyList<LeaseGrantOutcome>> _calls = new(database, timeLimit, clock, table.GrantAsync);

    /// <summary>Grants a lease.</summary>
    /// <returns>The log's revision at the grant; null if the id is taken.</returns>
    /// <exception cref="AlarmRaisedException">An alarm forbids it.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<long?> GrantAsync(long id, long ttl) =>
        (await _calls.AskAsync(new LeaseGrant(id, ttl, Guid.NewGuid()), out int number))[number].ToRevision();
}
