using PgEtcd.Postgres.Leases;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Leases;

public sealed class LeaseTableTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task An_id_is_granted_once_and_a_repeated_grant_is_recognised()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        Guid token = Guid.NewGuid();

        (await leases.GrantAsync(5, 60, token, CancellationToken.None)).ShouldBe(1);
        (await leases.GrantAsync(5, 60, token, CancellationToken.None)).ShouldBe(1);
        (await leases.GrantAsync(5, 60, Guid.NewGuid(), CancellationToken.None)).ShouldBeNull();
    }

    [Fact]
    public async Task Leases_are_listed_soonest_to_expire_first_up_to_the_largest_TTL()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        await leases.GrantAsync(1, 9_000_000_000, Guid.NewGuid(), CancellationToken.None);
        await leases.GrantAsync(-2, 60, Guid.NewGuid(), CancellationToken.None);

        (await leases.ListAsync(CancellationToken.None)).ShouldBe([-2, 1]);
        Lease longest = (await leases.FindAsync(1, CancellationToken.None)).ShouldNotBeNull();
        longest.Ttl.ShouldBe(9_000_000_000);
        longest.Remaining.ShouldBeInRange(8_999_999_900, 9_000_000_000);
        (await leases.FindAsync(3, CancellationToken.None)).ShouldBeNull();
    }
}
