using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Locks;

/// <summary>v3electionpb.Election over the wire (semantics.md §12).</summary>
public sealed class ElectionTests(OneServer one, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>,
IAsyncLifetime
{
    private readonly LockedServer _locked = LockedServer.To(one.Server);

    /// <summary>The revision before a test's first write: an empty store's would be 1.</summary>
    private long _start;

    private GrpcChannel Channel => _locked.Channel;

    /// <summary>The tests use the same names and lease ids, so each starts with an empty store.</summary>
    public async Task InitializeAsync()
    {
        await _locked.EmptyAsync();
        _start = await _locked.Kv.RevisionAsync();
    }

    [Fact]
    public async Task A_candidate_leads_after_earlier_ones_and_gets_the_revision_of_its_entry()
    {
        CampaignResponse first = await Channel.CampaignAsync("el", "a", await Channel.GrantAsync(600, id: 1));
        Task<CampaignResponse> second = Channel.CampaignAsync("el", "b", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("el", 2);
        await _locked.Kv.PutAsync("unrelated");
        (await Channel.LeaderAsync("el")).Kv.Value.ToStringUtf8().ShouldBe("a");
        second.IsCompleted.ShouldBeFalse();

        await Channel.ResignAsync(first.Leader);
        CampaignResponse elected = await second.WaitAsync(LockedServer.Limit);
        elected.Header.Revision.ShouldBe(_start + 2, "the revision of the entry, not of winning");
        elected.Leader.ShouldBe(new LeaderKey { Name = Bytes("el"), Key = Bytes("el/2"), Rev = _start + 2, Lease = 2 });
        (await Channel.LeaderAsync("el")).Kv.Value.ToStringUtf8().ShouldBe("b");
        await RefusedAsync(() => Channel.ProclaimAsync(first.Leader, "late"), EtcdErrors.ElectionNotLeader);
        (await Channel.ProclaimAsync(elected.Leader, "c")).Header.Revision.ShouldBe(_start + 5);
        (await Channel.LeaderAsync("el")).Kv.Value.ToStringUtf8().ShouldBe("c");
        await Channel.ResignAsync(first.Leader);
        (await Channel.LeaderAsync("el")).Kv.Value.ToStringUtf8().ShouldBe("c", "resigning without leading has no effect");
    }

    [Fact]
    public async Task Without_a_lease_the_server_grants_one_for_campaign_and_for_proclaim()
    {
        CampaignResponse elected = await Channel.CampaignAsync("el", "a");
        long lease = (await Channel.LeasesAsync()).ShouldHaveSingleItem();
        elected.Leader.Lease.ShouldBe(lease);
        (await Channel.TimeToLiveAsync(lease)).GrantedTTL.ShouldBe(60);

        LeaderKey withoutLease = elected.Leader.Clone();
        withoutLease.Lease = 0;
        await Channel.ProclaimAsync(withoutLease, "b");
        (await Channel.LeaderAsync("el")).Kv.Lease.ShouldBeOneOf(await Channel.LeasesAsync());
        (await Channel.LeasesAsync()).Length.ShouldBe(2);
        (await Channel.LeaderAsync("el")).Kv.Lease.ShouldNotBe(lease);
    }

    [Fact]
    public async Task A_waiting_candidate_may_change_its_value()
    {
        CampaignResponse first = await Channel.CampaignAsync("el", "a", await Channel.GrantAsync(600, id: 1));
        await Channel.GrantAsync(600, id: 2);
        Task<CampaignResponse> waiting = Channel.CampaignAsync("el", "b", 2);
        await _locked.ContendAsync("el", 2);
        Task<CampaignResponse> again = Channel.CampaignAsync("el", "c", 2);
        await Eventually.TrueAsync(
            async () => (await _locked.Kv.ReadAsync("el/2")) is ["el/2=c"], LockedServer.Limit,
            "the second campaign of the same lease changes the value");
        waiting.IsCompleted.ShouldBeFalse();
        again.IsCompleted.ShouldBeFalse();

        await Channel.ResignAsync(first.Leader);
        (await waiting.WaitAsync(LockedServer.Limit)).Leader.Rev.ShouldBe(_start + 2);
        (await again.WaitAsync(LockedServer.Limit)).Leader.Rev.ShouldBe(_start + 2);
        (await Channel.LeaderAsync("el")).Kv.Value.ToStringUtf8().ShouldBe("c");
    }

    [Fact]
    public async Task A_candidate_without_its_lease_does_not_win()
    {
        CampaignResponse first = await Channel.CampaignAsync("el", "a", await Channel.GrantAsync(600, id: 1));
        Task<CampaignResponse> waiting = Channel.CampaignAsync("el", "b", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("el", 2);
        await Channel.RevokeAsync(2);
        await Channel.ResignAsync(first.Leader);
        await RefusedAsync(() => waiting.WaitAsync(LockedServer.Limit), EtcdErrors.ElectionNotLeader);
    }

    [Fact]
    public async Task A_cancelled_campaign_leaves_no_key()
    {
        await Channel.CampaignAsync("el", "a", await Channel.GrantAsync(600, id: 1));
        await Channel.GrantAsync(600, id: 2);
        using CancellationTokenSource patience = new();
        Task<CampaignResponse> impatient = Channel.CampaignAsync("el", "b", 2, cancellationToken: patience.Token);
        await _locked.ContendAsync("el", 2);
        await patience.CancelAsync();
        await Should.ThrowAsync<RpcException>(impatient);
        await _locked.LeftAsync("el", "el/2");
    }

    [Fact]
    public async Task Observe_starts_with_the_present_leader_and_shows_every_value_and_leader_once_in_order()
    {
        CampaignResponse first = await Channel.CampaignAsync("el", "a1", await Channel.GrantAsync(600, id: 1));
        using CancellationTokenSource done = new(LockedServer.Limit);
        await using IAsyncEnumerator<LeaderResponse> observed = Channel.ObserveAsync("el", done.Token).GetAsyncEnumerator();
        (await NextAsync(observed)).ShouldBe("el/1=a1 at +1");
        Task<CampaignResponse> second = Channel.CampaignAsync("el", "b1", await Channel.GrantAsync(600, id: 2)); // +2
        await _locked.ContendAsync("el", 2);
        Task<CampaignResponse> third = Channel.CampaignAsync("el", "c1", await Channel.GrantAsync(600, id: 3)); // +3
        await _locked.ContendAsync("el", 3);
        await Channel.ProclaimAsync(first.Leader, "a2"); // +4
        // +5: a waiting candidate may proclaim, unseen by observers
        await Channel.ProclaimAsync(new LeaderKey { Key = Bytes("el/2"), Rev = _start + 2, Lease = 2 }, "b2");
        await Channel.ResignAsync(first.Leader); // +6
        await Channel.ResignAsync((await second).Leader); // +7: at once, and still seen
        await third;
        await Channel.RevokeAsync(3); // +8: now there is no leader
        CampaignResponse fourth = await Channel.CampaignAsync("el", "d1", await Channel.GrantAsync(600, id: 4)); // +9
        await Channel.ProclaimAsync(fourth.Leader, "d1"); // +10: the same value is a change too

        List<string> told = [];
        while (told.Count < 5)
        {
            told.Add(await NextAsync(observed));
        }

        told.ShouldBe(["el/1=a2 at +4", "el/2=b2 at +6", "el/3=c1 at +7", "el/4=d1 at +9", "el/4=d1 at +10"]);
    }

    [Fact]
    public async Task Observe_waits_for_the_first_leader_and_sees_a_transaction_as_one_change()
    {
        using CancellationTokenSource done = new(LockedServer.Limit);
        await using IAsyncEnumerator<LeaderResponse> observed = Channel.ObserveAsync("el", done.Token).GetAsyncEnumerator();
        Task<string> next = NextAsync(observed);
        await _locked.Kv.PutAsync("el", "not below the name");
        await _locked.Kv.PutAsync("el0", "neither");
        next.IsCompleted.ShouldBeFalse();
        await _locked.Kv.SendAsync(Txn(Op(Put("el/b", "1")), Op(Put("el/a", "2")))); // +3: both are equally old, so the first by key leads
        (await next).ShouldBe("el/a=2 at +3");
        await _locked.Kv.SendAsync(Txn(Op(Delete("el/a")), Op(Put("el/b", "3")), Op(Put("el/c", "4")))); // +4
        (await NextAsync(observed)).ShouldBe("el/b=3 at +4");
    }

    [Fact]
    public async Task Observe_continues_after_a_compaction()
    {
        CampaignResponse elected = await Channel.CampaignAsync("el", "1", await Channel.GrantAsync(600, id: 1));
        using CancellationTokenSource done = new(LockedServer.Limit);
        await using IAsyncEnumerator<LeaderResponse> observed = Channel.ObserveAsync("el", done.Token).GetAsyncEnumerator();
        (await NextAsync(observed)).ShouldBe("el/1=1 at +1");
        for (int i = 2; i < 6; i++)
        {
            long revision = (await Channel.ProclaimAsync(elected.Leader, $"{i}")).Header.Revision;
            await _locked.Kv.CompactAsync(revision, physical: true);
            (await NextAsync(observed)).ShouldBe($"el/1={i} at +{revision - _start}");
        }
    }

    [Fact]
    public async Task A_stopping_server_ends_Observe_with_a_status()
    {
        await using PgEtcdServer stopping = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using GrpcChannel channel = new(stopping.ClientUrl);
        await channel.CampaignAsync("el", "1", await channel.GrantAsync(600));
        await using IAsyncEnumerator<LeaderResponse> observed = channel.ObserveAsync("el").GetAsyncEnumerator();
        await NextAsync(observed);
        Task<int> stopped = stopping.StopAsync();
        await RefusedAsync(() => NextAsync(observed), EtcdErrors.Stopped);
        (await stopped).ShouldBe(0);
    }

    public async Task DisposeAsync() => await _locked.DisposeAsync();

    private async Task<string> NextAsync(IAsyncEnumerator<LeaderResponse> observed)
    {
        (await observed.MoveNextAsync().AsTask().WaitAsync(LockedServer.Limit)).ShouldBeTrue();
        LeaderResponse told = observed.Current;
        return $"{told.Kv.Key.ToStringUtf8()}={told.Kv.Value.ToStringUtf8()} at +{told.Header.Revision - _start}";
    }
}
