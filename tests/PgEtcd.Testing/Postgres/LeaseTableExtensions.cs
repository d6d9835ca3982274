using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Testing.Postgres;

/// <summary>Grants of single leases.</summary>
public static class LeaseTableExtensions
{
    /// <summary>Grants a lease.</summary>
    /// <returns>The present revision of the log; null if the id is taken.</returns>
    /// <exception cref="AlarmRaisedException">An alarm forbids it.</exception>
    public static async Task<long?> GrantAsync(
        this LeaseTable leases, long id, long ttl, Guid token, CancellationToken cancellationToken) =>
        (await leases.GrantAsync([new LeaseGrant(id, ttl, token)], cancellationToken).ConfigureAwait(false))[0].ToRevision();
}
