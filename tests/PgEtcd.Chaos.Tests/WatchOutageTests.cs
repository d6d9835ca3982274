using Grpc.Core;
using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>PostgreSQL is down, for all frontends or for one: watchers wait, and neither miss nor repeat an event.</summary>
public sealed class WatchOutageTests : IAsyncLifetime
{
    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    [Trait("issue", "k3s#2366")]
    public async Task PostgreSQL_is_killed_and_comes_back()
    {
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(_postgres.ConnectionString());
        cluster.Watch();
        cluster.Write();
        await cluster.AcknowledgedAsync(200);
        cluster.ExpectOutage();
        await _postgres.Kill9Async();
        cluster.Watch(); // from the past, while there is no database
        await _postgres.RestartAsync();
        await cluster.AcknowledgedAsync(200);
        await cluster.CheckAsync();
        cluster.Watchers.ShouldAllBe(watcher => watcher.Streams == 1, "the database is none of a stream's business");
    }

    [Fact]
    [Trait("issue", "etcd#15271")]
    [Trait("issue", "etcd#20418")]
    public async Task A_frontend_cut_off_from_PostgreSQL_reports_it_and_catches_up_by_itself()
    {
        await using TcpProxy proxy = new(_postgres.Port);
        string firstDatabase = new NpgsqlConnectionStringBuilder(_postgres.ConnectionString()) { Port = proxy.Port }.ConnectionString;
        await using WatchedCluster cluster = await WatchedCluster.StartAsync(
            _postgres.ConnectionString(), firstDatabase, "--election-timeout", "500");
        cluster.Watch();
        cluster.Write();
        await cluster.AcknowledgedAsync(200);
        await using KvClient first = new(cluster.Frontends[0]);
        await using KvClient second = new(cluster.Frontends[1]);
        await second.PutAsync("a/cut", "before");

        cluster.ExpectOutage();
        proxy.Pause();
        Status timedOut = new(StatusCode.Unavailable, "etcdserver: request timed out");

        TimeSpan patience = Eventually.Patience;
        Task<RpcException> get = Should.ThrowAsync<RpcException>(() => first.GetAsync("a/cut", timeout: patience));
        Task<RpcException> put = Should.ThrowAsync<RpcException>(() => first.PutAsync("a/lost", "1", patience));
        PutResponse after = await second.PutAsync("a/cut", "after");
        cluster.Watch(); // from the past, a third of them where it cannot be read
        (await get).Status.ShouldBe(timedOut);
        (await put).Status.ShouldBe(timedOut);
        proxy.Resume();

        await Eventually.TrueAsync(
            async () => (await first.GetAsync("a/cut", serializable: true)).Header.Revision >= after.Header.Revision,
            "the frontend catches up, unasked");
        (await first.GetAsync("a/cut")).Kvs.ShouldHaveSingleItem().Value.ToStringUtf8().ShouldBe("after");
        await cluster.AcknowledgedAsync(200);
        await cluster.CheckAsync();
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();
}
