using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using Stream = PgEtcd.Testing.Grpc.GrpcDuplexCall<
    PgEtcd.Protocol.Etcdserverpb.LeaseKeepAliveRequest, PgEtcd.Protocol.Etcdserverpb.LeaseKeepAliveResponse>;

namespace PgEtcd.BlackBox.Tests.Leases;

/// <summary>LeaseKeepAlive over the wire.</summary>
public sealed class KeepAliveTests(OneServer one, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>
{
    private readonly Kv _kv = one.Kv;

    private GrpcChannel Channel => _kv.Channel;

    [Fact]
    public async Task A_lease_that_is_kept_alive_lives_and_one_that_is_not_expires_with_its_key()
    {
        long kept = await Channel.GrantAsync(4); // longer than a busy machine stalls
        long left = await Channel.GrantAsync(2);
        await _kv.SendAsync(Put("kept", "1", kept));
        await _kv.SendAsync(Put("left", "1", left));
        using Stream stream = Channel.KeepAlive();
        Stopwatch since = Stopwatch.StartNew();
        while (since.Elapsed < TimeSpan.FromSeconds(5))
        {
            (await stream.AskAsync(kept)).TTL.ShouldBe(4);
            await Task.Delay(300); // the pace of a client; the lease must live from one keep-alive to the next
        }

        (await _kv.ReadAsync("kept")).ShouldBe(["kept=1"]);
        await Eventually.TrueAsync(async () => (await _kv.ReadAsync("left")).Length == 0, "the other goes");
        long[] leases = await Channel.LeasesAsync();
        leases.ShouldContain(kept);
        leases.ShouldNotContain(left);
    }

    [Fact]
    public async Task Every_request_is_answered_in_order_and_the_stream_ends_with_the_client()
    {
        await Channel.GrantAsync(60, id: 1);
        await Channel.GrantAsync(100, id: -2);
        long revision = await _kv.PutAsync("a", "1");
        using Stream stream = Channel.KeepAlive();
        long[] ids = [.. Enumerable.Range(0, 500).SelectMany(i => new long[] { 1, -2, 0, 404 })];
        foreach (long id in ids)
        {
            await stream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
        }

        await stream.CompleteAsync();
        List<LeaseKeepAliveResponse> answers = [];
        await foreach (LeaseKeepAliveResponse answer in stream.ReadAllAsync())
        {
            answers.Add(answer);
        }

        answers.Select(answer => answer.ID).ShouldBe(ids);
        answers.ShouldAllBe(answer => answer.Header.Revision == revision);
        answers.ShouldAllBe(answer => answer.TTL == (answer.ID == 1 ? 60 : answer.ID == -2 ? 100 : 0));
    }

    [Fact]
    public async Task The_answer_for_an_expired_lease_waits_until_it_is_revoked()
    {
        long id = await Channel.GrantAsync(60);
        await _kv.SendAsync(Put("expires", "1", id));
        await Sql.ExecuteAsync(one.Database, $"update pgetcd.leases set expires_at = clock_timestamp() where id = {id}");

        using Stream stream = Channel.KeepAlive();
        (await stream.AskAsync(id)).TTL.ShouldBe(0);
        (await _kv.ReadAsync("expires")).ShouldBeEmpty();
        (await Channel.TimeToLiveAsync(id)).TTL.ShouldBe(-1);
    }

    [Fact]
    public async Task A_stopping_frontend_ends_its_streams_with_a_status_and_does_not_wait()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        long id = await kv.Channel.GrantAsync(60);
        using Stream stream = kv.Channel.KeepAlive();
        await stream.AskAsync(id);
        Task<int> stopped = server.StopAsync();

        RpcException error = await Should.ThrowAsync<RpcException>(() => stream.ReadAsync());
        error.ShouldBeStopped();
        (await stopped).ShouldBe(0);
    }

    [Fact]
    public async Task Without_the_database_a_stream_ends_as_in_an_etcd_without_quorum()
    {
        await using PostgresServer database = await PostgresServer.StartAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            database.ConnectionString(), moreArguments: ["--election-timeout", "500"]);
        await using Kv kv = new(server);
        long id = await kv.Channel.GrantAsync(60);
        using Stream stream = kv.Channel.KeepAlive();
        (await stream.AskAsync(id)).TTL.ShouldBe(60);
        server.Expect("PostgreSQL does not answer, trying again");
        await database.StopAsync();

        (await Should.ThrowAsync<RpcException>(() => stream.AskAsync(id))).Status.ShouldBe(EtcdErrors.Timeout.Status);
        await database.RestartAsync();
        using Stream again = kv.Channel.KeepAlive();
        (await again.AskAsync(id)).TTL.ShouldBe(60);
    }
}
