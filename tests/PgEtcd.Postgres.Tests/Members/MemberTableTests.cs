using PgEtcd.Postgres.Members;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Members;

public sealed class MemberTableTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    // Arrays, as they are read, so that members can be compared.
    private static readonly string[] ClientUrls = ["http://127.0.0.1:1", "http://127.0.0.1:2"];
    private static readonly string[] PeerUrls = ["http://127.0.0.1:3"];

    [Fact]
    public async Task The_first_frontend_leads_and_after_it_leaves_the_next_leads_at_once()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);

        (await BeatAsync(members, 1, "a")).Leads.ShouldBeTrue();
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeFalse();
        Beat again = await BeatAsync(members, 1, "a");
        again.Leads.ShouldBeTrue();
        again.Alive.Where(member => member.IsLeader).Select(member => member.Id).ShouldBe([1]);

        await members.LeaveAsync("a", CancellationToken.None);
        Beat after = await BeatAsync(members, 2, "b");
        after.Leads.ShouldBeTrue();
        after.Alive.ShouldHaveSingleItem().ShouldBeEquivalentTo(Member(2) with { IsLeader = true });
    }

    [Fact]
    public async Task A_leader_silent_for_two_seconds_loses_the_leadership_and_gets_no_leases_to_revoke()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, "a");
        (await fixture.QueryAsync<double>("""
            select extract(epoch from l.expires_at - m.heartbeat_at)::double precision
            from pgetcd.leader l join pgetcd.members m on m.run = l.holder
            """)).ShouldHaveSingleItem().ShouldBe(2, tolerance: 0.1);
        await fixture.QueryAsync<int>("update pgetcd.leader set expires_at = clock_timestamp() + interval '1 minute'");
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeFalse();

        await fixture.QueryAsync<int>("update pgetcd.leader set expires_at = clock_timestamp()");
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeTrue();
        (await BeatAsync(members, 1, "a")).Leads.ShouldBeFalse();
        (await fixture.QueryAsync<long?>("select id from pgetcd.expired_leases('a', 10)")).ShouldBeEmpty();
    }

    [Fact]
    public async Task An_id_stays_with_a_live_run_and_is_taken_from_a_dead_one()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, "a");

        Beat refused = await BeatAsync(members, 1, "b");
        refused.Joined.ShouldBeFalse();
        (await BeatAsync(members, 1, "a")).Joined.ShouldBeTrue();
        (await BeatAsync(members, 1, "b")).HeldAt.ShouldBeGreaterThan(refused.HeldAt);

        await fixture.QueryAsync<int>("update pgetcd.members set heartbeat_at = heartbeat_at - interval '2 seconds'");
        (await BeatAsync(members, 1, "b")).Joined.ShouldBeTrue();
        (await BeatAsync(members, 1, "a")).Joined.ShouldBeFalse();
        (await fixture.QueryAsync<string>("select run from pgetcd.members")).ShouldBe(["b"]);
    }

    [Fact]
    public async Task A_frontend_silent_for_three_seconds_is_not_listed_and_is_deleted_after_a_minute()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 2, "b");
        await BeatAsync(members, 1, "a");
        (await members.ListAsync(CancellationToken.None)).Count.ShouldBe(2);

        await fixture.QueryAsync<int>("update pgetcd.members set heartbeat_at = heartbeat_at - interval '3 seconds' where id = 1");
        (await members.ListAsync(CancellationToken.None)).ShouldHaveSingleItem().ShouldBeEquivalentTo(Member(2) with { IsLeader = true });
        (await BeatAsync(members, 2, "b")).Alive.Count.ShouldBe(1);

        await fixture.QueryAsync<int>("update pgetcd.members set heartbeat_at = heartbeat_at - interval '1 minute' where id = 1");
        await BeatAsync(members, 2, "b");
        (await fixture.QueryAsync<long>("select id from pgetcd.members")).ShouldBe([2]);
    }

    [Fact]
    public async Task Only_one_of_many_simultaneous_heartbeats_leads()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        for (int round = 0; round < 20; round++)
        {
            Beat[] beats = await Task.WhenAll(Enumerable.Range(1, 8).Select(id => BeatAsync(members, id, $"run{id}")));
            beats.Count(beat => beat.Leads).ShouldBe(1);
            string leader = (await fixture.QueryAsync<string>("select holder from pgetcd.leader"))[0];
            await members.LeaveAsync(leader, CancellationToken.None);
        }
    }

    [Fact]
    public async Task Only_the_leader_hands_over_and_only_to_a_live_frontend()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, "a");
        await BeatAsync(members, 2, "b");
        await BeatAsync(members, 3, "c");
        await fixture.QueryAsync<int>("update pgetcd.members set heartbeat_at = heartbeat_at - interval '4 seconds' where id = 3");

        (await members.HandOverAsync("b", 2, CancellationToken.None)).ShouldBeNull("b does not lead");
        (await members.HandOverAsync("a", 3, CancellationToken.None)).ShouldBeNull("c is dead");
        (await members.HandOverAsync("a", 4, CancellationToken.None)).ShouldBeNull("there is no such member");
        (await BeatAsync(members, 1, "a")).Leads.ShouldBeTrue();

        DateTime handed = (await members.HandOverAsync("a", 2, CancellationToken.None)).ShouldNotBeNull();
        (await BeatAsync(members, 1, "a")).Leads.ShouldBeFalse();
        (await members.HasTakenOverAsync(2, handed, CancellationToken.None)).ShouldBeFalse();
        DateTime repeated = (await members.HandOverAsync("a", 2, CancellationToken.None)).ShouldNotBeNull("the answer may have been lost");
        (await BeatAsync(members, 2, "b")).Leads.ShouldBeTrue();
        (await members.HasTakenOverAsync(2, repeated, CancellationToken.None)).ShouldBeTrue();
        (await members.HasTakenOverAsync(1, handed, CancellationToken.None)).ShouldBeFalse();
    }

    [Fact]
    public async Task The_list_shows_since_when_the_leader_leads_and_how_far_each_is_behind()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, "a");
        await BeatAsync(members, 2, "b");
        DateTime first = await SinceAsync();
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "b=2", "c=3"));

        await BeatAsync(members, 1, "a");
        await members.BeatAsync(Member(2), "b", 4, CancellationToken.None);

        (await SinceAsync()).ShouldBe(first);
        (await fixture.QueryAsync<long>("select behind from pgetcd.active_members order by id")).ShouldBe([3, 0]);
        await members.LeaveAsync("a", CancellationToken.None);
        await BeatAsync(members, 2, "b");
        (await SinceAsync()).ShouldBeGreaterThan(first);

        async Task<DateTime> SinceAsync() => (await fixture.QueryAsync<DateTime>(
            "select leader_since from pgetcd.active_members where is_leader")).ShouldHaveSingleItem();
    }

    [Fact]
    public async Task Only_dead_frontends_are_removed()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        MemberTable members = new(fixture.Database);
        await BeatAsync(members, 1, "a");
        await BeatAsync(members, 2, "b");
        await fixture.QueryAsync<int>("update pgetcd.members set heartbeat_at = heartbeat_at - interval '3 seconds' where id = 2");

        (await members.RemoveDeadAsync(1, CancellationToken.None)).ShouldBe((true, false));
        (await members.RemoveDeadAsync(2, CancellationToken.None)).ShouldBe((true, true));
        (await members.RemoveDeadAsync(2, CancellationToken.None)).ShouldBe((false, false));
        (await fixture.QueryAsync<long>("select id from pgetcd.members")).ShouldBe([1]);
    }

    internal static Member Member(long id) =>
        new(id, "name", ClientUrls, PeerUrls);

    internal static Task<Beat> BeatAsync(MemberTable members, long id, string run) =>
        members.BeatAsync(Member(id), run, 1, CancellationToken.None);
}
