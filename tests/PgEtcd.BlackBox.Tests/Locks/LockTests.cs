using System.Diagnostics;
using System.Globalization;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Locks;

/// <summary>v3lockpb.Lock over the wire (semantics.md §12).</summary>
public sealed class LockTests(OneServer one, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>,
IAsyncLifetime
{
    private readonly LockedServer _locked = LockedServer.To(one.Server);

    private GrpcChannel Channel => _locked.Channel;

    /// <summary>The tests use the same names and lease ids, so each starts with an empty store.</summary>
    public Task InitializeAsync() => _locked.EmptyAsync();

    [Fact]
    public async Task Without_a_lease_the_server_grants_one_for_a_minute_and_its_id_is_in_the_key()
    {
        long before = await _locked.Kv.RevisionAsync();
        LockResponse held = await Channel.LockAsync("free");

        long lease = (await Channel.LeasesAsync()).ShouldHaveSingleItem();
        held.Key.ToStringUtf8().ShouldBe("free/" + lease.ToString("x", CultureInfo.InvariantCulture));
        held.Header.Revision.ShouldBe(before + 1);
        (await Channel.TimeToLiveAsync(lease)).GrantedTTL.ShouldBe(60);
        (await Channel.TimeToLiveAsync(lease)).Keys.ShouldBe([held.Key]);
    }

    [Fact]
    public async Task A_negative_lease_is_written_as_Go_does()
    {
        await Channel.GrantAsync(60, id: -16);
        (await Channel.LockAsync("free", -16)).Key.ToStringUtf8().ShouldBe("free/-10");
        await Channel.GrantAsync(60, id: long.MinValue);
        (await Channel.LockAsync("other", long.MinValue)).Key.ToStringUtf8().ShouldBe("other/-8000000000000000");
    }

    [Fact]
    public async Task Waiting_clients_get_the_lock_in_order_with_the_revision_of_that_moment()
    {
        LockResponse first = await Channel.LockAsync("one", await Channel.GrantAsync(600, id: 1));
        Task<LockResponse> second = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("one", 2);
        Task<LockResponse> third = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 3));
        await _locked.ContendAsync("one", 3);
        await _locked.Kv.PutAsync("unrelated");
        await _locked.Kv.PutAsync("one/2", "touched"); // a write to a contender's key by another client does not move it in the queue

        second.IsCompleted.ShouldBeFalse();
        long unlocked = (await Channel.UnlockAsync(first.Key)).Header.Revision;
        LockResponse held = await second.WaitAsync(LockedServer.Limit);
        held.Key.ToStringUtf8().ShouldBe("one/2");
        held.Header.Revision.ShouldBe(unlocked);
        third.IsCompleted.ShouldBeFalse();

        await Channel.UnlockAsync(held.Key);
        (await third.WaitAsync(LockedServer.Limit)).Key.ToStringUtf8().ShouldBe("one/3");
    }

    [Fact]
    public async Task The_lease_of_the_holder_gets_the_lock_at_once()
    {
        long lease = await Channel.GrantAsync(600);
        LockResponse first = await Channel.LockAsync("one", lease);
        await _locked.Kv.PutAsync("unrelated");

        LockResponse again = await Channel.LockAsync("one", lease);
        again.Key.ShouldBe(first.Key);
        again.Header.Revision.ShouldBe(first.Header.Revision + 1);
        (await _locked.ContendersAsync("one")).Length.ShouldBe(1);
    }

    [Fact]
    public async Task The_lock_passes_on_when_its_lease_ends()
    {
        Stopwatch since = Stopwatch.StartNew();
        await Channel.LockAsync("one", await Channel.GrantAsync(2));

        await Channel.LockAsync("one", await Channel.GrantAsync(600), timeout: LockedServer.Limit);

        since.Elapsed.TotalSeconds.ShouldBeInRange(2, 60);
    }

    [Fact]
    public async Task The_lock_passes_on_when_its_lease_is_revoked()
    {
        await Channel.LockAsync("one", await Channel.GrantAsync(600, id: 1));
        Task<LockResponse> waiting = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("one", 2);

        await Channel.RevokeAsync(1);
        (await waiting.WaitAsync(LockedServer.Limit)).Key.ToStringUtf8().ShouldBe("one/2");
    }

    [Fact]
    public async Task A_waiting_client_that_loses_its_lease_gets_an_error_and_later_ones_keep_waiting()
    {
        LockResponse first = await Channel.LockAsync("one", await Channel.GrantAsync(600, id: 1));
        Task<LockResponse> second = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("one", 2);
        Task<LockResponse> third = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 3));
        await _locked.ContendAsync("one", 3);

        await Channel.RevokeAsync(2);
        await _locked.ContendAsync("one", 2);
        third.IsCompleted.ShouldBeFalse();
        await Channel.UnlockAsync(first.Key);
        await RefusedAsync(() => second.WaitAsync(LockedServer.Limit), EtcdErrors.SessionExpired);
        (await third.WaitAsync(LockedServer.Limit)).Key.ToStringUtf8().ShouldBe("one/3");
    }

    [Fact]
    public async Task A_cancelled_wait_leaves_no_key()
    {
        LockResponse first = await Channel.LockAsync("one", await Channel.GrantAsync(600, id: 1));
        long second = await Channel.GrantAsync(600, id: 2);
        using CancellationTokenSource patience = new();
        Task<LockResponse> impatient = Channel.LockAsync("one", second, cancellationToken: patience.Token);
        await _locked.ContendAsync("one", 2);
        await patience.CancelAsync();
        (await Should.ThrowAsync<RpcException>(impatient)).StatusCode.ShouldBe(StatusCode.Cancelled);
        await _locked.LeftAsync("one", "one/2");

        (await Should.ThrowAsync<RpcException>(Channel.LockAsync("one", second, timeout: TimeSpan.FromMilliseconds(200)))).StatusCode
            .ShouldBe(StatusCode.DeadlineExceeded);
        await _locked.LeftAsync("one", "one/2");
        (await _locked.ContendersAsync("one")).ShouldBe(["one/1"]);
        (await Channel.LeasesAsync()).ShouldContain(second, "the lease is the client's to end");

        await Channel.UnlockAsync(first.Key);
        (await Channel.LockAsync("one", second)).Key.ToStringUtf8().ShouldBe("one/2");
    }

    [Fact]
    public async Task A_stopping_server_sends_a_status_and_keeps_the_place_of_a_client_with_its_own_lease()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer stopping = await PgEtcdServer.StartAsync(database, name: "stopping");
        await using PgEtcdServer staying = await PgEtcdServer.StartAsync(database, name: "staying");
        await using LockedServer there = new(staying);
        await using GrpcChannel here = new(stopping.ClientUrl);
        LockResponse held = await there.Channel.LockAsync("one", await there.Channel.GrantAsync(600, id: 1));
        Task<LockResponse> waiting = here.LockAsync("one", await here.GrantAsync(600, id: 2));
        await there.ContendAsync("one", 2);
        Task<LockResponse> anonymous = here.LockAsync("one");
        await there.ContendAsync("one", 3);

        Task<int> stopped = stopping.StopAsync();
        await RefusedAsync(() => waiting.WaitAsync(LockedServer.Limit), EtcdErrors.Stopped);
        await RefusedAsync(() => anonymous.WaitAsync(LockedServer.Limit), EtcdErrors.Stopped);
        (await stopped).ShouldBe(0);
        (await there.ContendersAsync("one")).ShouldBe(["one/1", "one/2"]);
        Task<LockResponse> again = there.Channel.LockAsync("one", 2);
        await there.Channel.UnlockAsync(held.Key);
        (await again.WaitAsync(LockedServer.Limit)).Key.ToStringUtf8().ShouldBe("one/2");
    }

    [Fact]
    public async Task A_lock_is_not_disturbed_by_compaction()
    {
        LockResponse first = await Channel.LockAsync("one", await Channel.GrantAsync(600, id: 1));
        Task<LockResponse> second = Channel.LockAsync("one", await Channel.GrantAsync(600, id: 2));
        await _locked.ContendAsync("one", 2);
        for (int i = 0; i < 10; i++)
        {
            await _locked.Kv.CompactAsync(await _locked.Kv.PutAsync("unrelated"), physical: true);
        }

        second.IsCompleted.ShouldBeFalse();
        await Channel.UnlockAsync(first.Key);
        (await second.WaitAsync(LockedServer.Limit)).Key.ToStringUtf8().ShouldBe("one/2");
    }

    [Fact]
    public async Task A_name_that_is_too_long_gets_the_error_of_the_store()
    {
        string name = new('n', 1_600_000);
        await Channel.GrantAsync(600, id: 1);
        (await LockedServer.RefusalAsync(Channel.LockAsync(name, 1))).ShouldBe("Unknown: etcdserver: request is too large");
        (await _locked.Kv.AllAsync()).ShouldBeEmpty();
    }

    public async Task DisposeAsync() => await _locked.DisposeAsync();
}
