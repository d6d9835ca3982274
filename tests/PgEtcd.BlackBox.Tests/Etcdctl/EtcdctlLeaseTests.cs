using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary>Leases as users of etcdctl have them.</summary>
public sealed class EtcdctlLeaseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableFact]
    public Task A_lease_that_is_kept_alive_holds_its_keys_and_then_takes_them_with_it() => OnPgEtcdAsync(EtcdctlLease.KeepAliveThenExpireAsync);

    [SkippableFact]
    public Task A_keep_alive_of_a_lease_that_is_revoked_ends() => OnPgEtcdAsync(EtcdctlLease.KeepAliveOfARevokedLeaseEndsAsync);

    private async Task OnPgEtcdAsync(Func<IEtcdServer, Task> scenario)
    {
        EtcdctlScript.SkipIfMissing();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateDatabaseAsync());
        await scenario(pgetcd);
    }
}
