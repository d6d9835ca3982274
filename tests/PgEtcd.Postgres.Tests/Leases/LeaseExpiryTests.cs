using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Members;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.Members.MemberTableTests;

namespace PgEtcd.Postgres.Tests.Leases;

/// <summary>Renewals, expiry, and the effect of an outage on both. Time is simulated by moving the times in the tables
/// back.</summary>
public sealed class LeaseExpiryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Leader = "a";

    [Fact]
    public async Task A_keep_alive_gives_a_full_TTL_to_live_leases_only()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = await WithLeasesAsync(fixture, 1, 2, 3);
        await PassAsync(fixture, 50);
        await ExpireAsync(fixture, 2);

        (Dictionary<long, long?> found, _) = await leases.KeepAliveAsync([1, 2, 404], CancellationToken.None);

        found.OrderBy(pair => pair.Key).ShouldBe([new(1, 60), new(2, null)]);
        (await leases.FindAsync(1, CancellationToken.None))!.Remaining.ShouldBeInRange(58, 60);
        (await leases.FindAsync(2, CancellationToken.None))!.Remaining.ShouldBe(0);
        (await leases.FindAsync(3, CancellationToken.None))!.Remaining.ShouldBeInRange(5, 10);
    }

    [Fact]
    public async Task The_leader_gets_the_leases_expired_at_its_last_heartbeat_in_order_of_expiry()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = await WithLeasesAsync(fixture, 1, 2, 3, 4);
        MemberTable members = await WithLeaderAsync(fixture);
        await ExpireAsync(fixture, 2, seconds: 3);
        await ExpireAsync(fixture, 3, seconds: 5);
        await BeatAsync(members, 1, Leader);
        await fixture.QueryAsync<int>("update pgetcd.leases set expires_at = clock_timestamp() where id = 4");

        (await leases.ExpiredAsync(Leader, 10, CancellationToken.None)).ShouldBe([3, 2]);
        (await leases.ExpiredAsync(Leader, 1, CancellationToken.None)).ShouldBe([3]);
        (await leases.ExpiredAsync("somebody else", 10, CancellationToken.None)).ShouldBe([]);
        await BeatAsync(members, 1, Leader);
        (await leases.ExpiredAsync(Leader, 10, CancellationToken.None)).ShouldBe([3, 2, 4]);
    }

    [Theory]
    [InlineData("ticked_at = ticked_at - interval '6 seconds'")]
    [InlineData("postmaster_start = postmaster_start - interval '1 second'")]
    public async Task After_an_outage_live_leases_get_a_full_TTL_before_any_expires(string away)
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = await WithLeasesAsync(fixture, 1, 2, 3);
        MemberTable members = await WithLeaderAsync(fixture);
        await PassAsync(fixture, 50);
        await fixture.QueryAsync<int>($"update pgetcd.leader set {away}");
        await ExpireAsync(fixture, 2, seconds: 0.001); // during the outage
        await ExpireAsync(fixture, 3, seconds: 20); // before the outage
        await BeatAsync(members, 1, Leader);

        (await leases.ExpiredAsync(Leader, 10, CancellationToken.None)).ShouldBeNull();
        (await leases.ExpiredAsync(Leader, 10, CancellationToken.None)).ShouldBeNull("until the renewal is done");
        (await leases.RenewAllAsync("somebody else", CancellationToken.None)).ShouldBeNull();
        (await leases.RenewAllAsync(Leader, CancellationToken.None)).ShouldBe(2);
        (await leases.RenewAllAsync(Leader, CancellationToken.None)).ShouldBeNull();

        (await leases.ExpiredAsync(Leader, 10, CancellationToken.None)).ShouldBe([3]);
        (await leases.FindAsync(1, CancellationToken.None))!.Remaining.ShouldBeInRange(58, 60);
        (await leases.FindAsync(2, CancellationToken.None))!.Remaining.ShouldBeInRange(58, 60);
        (await leases.KeepAliveAsync([3], CancellationToken.None)).Ttls.ShouldBe([new(3, null)]);
    }

    [Fact]
    public async Task A_new_leader_renews_the_leases_if_the_old_one_died_before_it_did()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = await WithLeasesAsync(fixture, 1);
        MemberTable members = await WithLeaderAsync(fixture);
        await fixture.QueryAsync<int>("update pgetcd.leader set ticked_at = ticked_at - interval '1 minute'");
        await BeatAsync(members, 1, Leader);
        await fixture.QueryAsync<int>("update pgetcd.leader set expires_at = clock_timestamp()");
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeTrue();

        (await leases.ExpiredAsync("b", 10, CancellationToken.None)).ShouldBeNull();
        (await leases.RenewAllAsync("b", CancellationToken.None)).ShouldBe(1);
    }

    [Fact]
    public async Task A_change_of_leader_alone_renews_nothing()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        LeaseTable leases = await WithLeasesAsync(fixture, 1);
        MemberTable members = await WithLeaderAsync(fixture);
        await ExpireAsync(fixture, 1);
        await fixture.QueryAsync<int>(
            "update pgetcd.leader set expires_at = clock_timestamp(), ticked_at = ticked_at - interval '3 seconds'");
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeTrue();

        (await leases.ExpiredAsync("b", 10, CancellationToken.None)).ShouldBe([1]);
    }

    /// <summary>Leases of 60 seconds.</summary>
    private static async Task<LeaseTable> WithLeasesAsync(LogFixture fixture, params int[] ids)
    {
        LeaseTable leases = new(fixture.Database);
        foreach (int id in ids)
        {
            await leases.GrantAsync(id, 60, Guid.NewGuid(), CancellationToken.None);
        }

        return leases;
    }

    /// <summary>A leader that has done the initial renewal.</summary>
    private static async Task<MemberTable> WithLeaderAsync(LogFixture fixture)
    {
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, Leader);
        await new LeaseTable(fixture.Database).RenewAllAsync(Leader, CancellationToken.None);
        return members;
    }

    private static Task<List<int>> PassAsync(LogFixture fixture, double seconds) =>
        fixture.QueryAsync<int>(
            FormattableString.Invariant($"update pgetcd.leases set expires_at = expires_at - interval '{seconds} seconds'"));

    private static Task<List<int>> ExpireAsync(LogFixture fixture, long id, double seconds = 1) => fixture.QueryAsync<int>(
        FormattableString.Invariant(
            $"update pgetcd.leases set expires_at = clock_timestamp() - interval '{seconds} seconds' where id = {id}"));
}
