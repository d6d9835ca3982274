using Npgsql;
using PgEtcd.Postgres.Alarms;
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
    public async Task Leases_granted_together_get_an_outcome_each_in_order()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1"));
        Guid first = Guid.NewGuid();
        await leases.GrantAsync(3, 60, first, CancellationToken.None);

        IReadOnlyList<LeaseGrantOutcome> outcomes = await leases.GrantAsync(
            [
                new(9, 70, Guid.NewGuid()), new(3, 60, Guid.NewGuid()), new(-4, 80, Guid.NewGuid()), new(9, 90, Guid.NewGuid()),
                new(3, 60, first),
            ],
            CancellationToken.None);

        outcomes.Select(outcome => outcome.IsGranted).ShouldBe([true, false, true, false, true]);
        outcomes.ShouldAllBe(outcome => outcome.Revision == 2 && outcome.Refusing == AlarmKinds.None);
        (await fixture.QueryAsync<string>("select id || ' ' || ttl from pgetcd.leases order by id")).ShouldBe(["-4 80", "3 60", "9 70"]);
    }

    [Fact]
    public async Task Frontends_that_grant_the_same_leases_in_other_orders_do_not_wait_for_each_other()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        long[] ids = [.. Enumerable.Range(1, 200).Select(id => (long)id)];

        for (int round = 0; round < 10; round++)
        {
            IReadOnlyList<LeaseGrantOutcome>[] both = await Task.WhenAll(
                leases.GrantAsync([.. ids.Select(Grant)], CancellationToken.None),
                leases.GrantAsync([.. ids.Reverse().Select(Grant)], CancellationToken.None));
            both[0].Zip(both[1].Reverse()).ShouldAllBe(pair => pair.First.IsGranted != pair.Second.IsGranted);
            await fixture.QueryAsync<long>("delete from pgetcd.leases returning id");
        }

        static LeaseGrant Grant(long id) => new(id, 60, Guid.NewGuid());
    }

    [Theory]
    [InlineData("{0}", "{60}")]
    [InlineData("{1,2}", "{60,0}")]
    [InlineData("{1,2}", "{-1,60}")]
    public async Task An_invalid_lease_is_refused(string ids, string seconds)
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await Should.ThrowAsync<PostgresException>(() => fixture.QueryAsync<int>(
            $"select outcome from pgetcd.grant_leases('{ids}', '{seconds}', array[gen_random_uuid(), gen_random_uuid()])"));
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
