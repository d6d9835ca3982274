using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Locks;

/// <summary>Contended locks and elections, which the transcripts lack: real etcd and PgEtcd give the same answers.</summary>
public sealed class LockDifferentialTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableFact]
    public async Task Contended_locks_get_the_answers_of_real_etcd() => await CompareAsync(LockAsync);

    [SkippableFact]
    public async Task Contended_elections_get_the_answers_of_real_etcd() => await CompareAsync(ElectAsync);

    private async Task CompareAsync(Func<LockedServer, Task<List<string>>> scenario)
    {
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using LockedServer theirs = new(etcd);
        await using LockedServer ours = new(pgetcd);
        List<string> expected = await scenario(theirs);
        (await scenario(ours)).ShouldBe(expected);
    }

    private static async Task<List<string>> LockAsync(LockedServer server)
    {
        List<string> told = [];
        for (int lease = 1; lease <= 4; lease++)
        {
            await server.Channel.GrantAsync(600, lease);
        }

        LockResponse first = await server.Channel.LockAsync("one", 1);
        told.Add(LockedServer.Told(first));
        Task<LockResponse> second = server.Channel.LockAsync("one", 2);
        await server.ContendAsync("one", 2);
        Task<LockResponse> third = server.Channel.LockAsync("one", 3);
        await server.ContendAsync("one", 3);
        using CancellationTokenSource patience = new();
        Task<LockResponse> impatient = server.Channel.LockAsync("one", 4, cancellationToken: patience.Token);
        await server.ContendAsync("one", 4);
        await patience.CancelAsync();
        await server.LeftAsync("one", "one/4");
        await server.Channel.RevokeAsync(2);
        told.Add(LockedServer.Told(await server.Channel.UnlockAsync(first.Key)));
        await LockedServer.RefusalAsync(second); // 3.4 does not know expired sessions yet
        told.Add(LockedServer.Told(await third.WaitAsync(LockedServer.Limit)));
        told.Add(await LockedServer.RefusalAsync(server.Channel.LockAsync("one", 999)));
        told.AddRange(await server.Kv.AllAsync());
        return told;
    }

    private static async Task<List<string>> ElectAsync(LockedServer server)
    {
        List<string> told = [];
        for (int lease = 1; lease <= 2; lease++)
        {
            await server.Channel.GrantAsync(600, lease);
        }

        told.Add(await LockedServer.RefusalAsync(server.Channel.LeaderAsync("el")));
        CampaignResponse first = await server.Channel.CampaignAsync("el", "a", 1);
        told.Add(LockedServer.Told(first));
        using CancellationTokenSource done = new(LockedServer.Limit);
        await using IAsyncEnumerator<LeaderResponse> observed = server.Channel.ObserveAsync("el", done.Token).GetAsyncEnumerator();
        told.Add(await NextAsync(observed));
        Task<CampaignResponse> second = server.Channel.CampaignAsync("el", "b", 2);
        await server.ContendAsync("el", 2);
        told.Add(LockedServer.Told(await server.Channel.ProclaimAsync(first.Leader, "a2")));
        told.Add(await NextAsync(observed));
        told.Add(LockedServer.Told(await server.Channel.CampaignAsync("el", "a3", 1)));
        told.Add(await NextAsync(observed));
        LeaderKey stale = first.Leader.Clone();
        stale.Rev++;
        told.Add(await LockedServer.RefusalAsync(server.Channel.ProclaimAsync(stale, "no")));
        told.Add(await LockedServer.RefusalAsync(server.Channel.ProclaimAsync(null, "no")));
        told.Add(await LockedServer.RefusalAsync(server.Channel.ResignAsync(null)));
        told.Add(LockedServer.Told(await server.Channel.ResignAsync(first.Leader)));
        told.Add(LockedServer.Told(await second.WaitAsync(LockedServer.Limit)));
        told.Add(await NextAsync(observed));
        told.Add(LockedServer.Told(await server.Channel.LeaderAsync("el")));
        told.Add(LockedServer.Told(await server.Channel.ResignAsync(first.Leader)));
        told.AddRange(await server.Kv.ReadAsync(End, end: End));
        return told;
    }

    private static async Task<string> NextAsync(IAsyncEnumerator<LeaderResponse> observed)
    {
        (await observed.MoveNextAsync().AsTask().WaitAsync(LockedServer.Limit)).ShouldBeTrue();
        return LockedServer.Told(observed.Current);
    }
}
