using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.BlackBox.Tests.Watching;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Stopping;

/// <summary>SIGTERM: requests in flight finish, endless streams are sent elsewhere, and the stop is quick.</summary>
public sealed class DrainTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>A second is promised, and the rest is for a busy machine; a stop that is held up takes the host's thirty.</summary>
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task Watches_and_keep_alives_end_with_a_status_that_makes_clients_reconnect_elsewhere()
    {
        await using WatchedServer server = await WatchedServer.StartAsync(postgres);
        await using GrpcChannel channel = new(server.Server.ClientUrl);
        // Raw HTTP/2: Grpc.Net.Client may report the closed connection as the end of a call whose requests have not ended.
        using GrpcRawCall watch = channel.DuplexRaw("etcdserverpb.Watch/Watch");
        await watch.WriteAsync(new WatchRequest { CreateRequest = WatchCall.All(0) }.ToByteArray());
        (await NextAsync(watch, WatchResponse.Parser)).Created.ShouldBeTrue();
        long lease = await channel.GrantAsync(60);
        using GrpcRawCall keepAlive = channel.DuplexRaw("etcdserverpb.Lease/LeaseKeepAlive");
        await keepAlive.WriteAsync(new LeaseKeepAliveRequest { ID = lease }.ToByteArray());
        (await NextAsync(keepAlive, LeaseKeepAliveResponse.Parser)).TTL.ShouldBe(60);
        long revision = await server.Kv.PutAsync("a", "1");
        (await NextAsync(watch, WatchResponse.Parser)).Header.Revision.ShouldBe(revision);

        Task<TimeSpan> stopped = StopAsync(server.Server);
        (await Should.ThrowAsync<RpcException>(() => watch.MoveNextAsync())).ShouldBeStopped();
        (await Should.ThrowAsync<RpcException>(() => keepAlive.MoveNextAsync())).ShouldBeStopped();
        (await stopped).ShouldBeLessThan(Soon);
        server.Server.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task A_client_that_does_not_read_does_not_hold_up_the_stop()
    {
        await using WatchedServer server = await WatchedServer.StartAsync(postgres);
        await using WatchCall starved = server.Open();
        await starved.CreatedAsync(new WatchCreateRequest(WatchCall.All(2)) { PrevKv = true });
        for (int i = 0; i < 200; i++)
        {
            await server.Kv.PutAsync("big", $"{i} {new string('v', 100_000)}");
        }

        (await StopAsync(server.Server)).ShouldBeLessThan(Soon);
        server.Server.Complaints.ShouldBeEmpty();
    }

    [Fact]
    public async Task Idle_clients_do_not_hold_up_the_stop()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        using HttpClient http = new();
        await http.GetStringAsync(new Uri(server.ClientUrl, "health"));
        using TcpClient silent = new();
        await silent.ConnectAsync(server.ClientUrl.Host, server.ClientUrl.Port);

        (await StopAsync(server)).ShouldBeLessThan(Soon);
    }

    [Fact]
    public async Task A_slow_write_is_answered_while_new_connections_are_refused()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        Task<long> slow;
        Task<int> ended;
        await using (await LogLock.TakeAsync(database))
        {
            slow = kv.PutAsync("a", "2");
            await LogLock.AwaitedAsync(database);
            ended = server.StopAsync();
            await Eventually.TrueAsync(async () => !await ConnectsAsync(server.ClientUrl), "connections are refused");
            await Task.Delay(TimeSpan.FromSeconds(1)); // longer than the grace for a client that does not read
            slow.IsCompleted.ShouldBeFalse();
            ended.IsCompleted.ShouldBeFalse();
        }

        (await slow).ShouldBe(3);
        (await ended).ShouldBe(0);
        (await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions")).ShouldBe(2L);
    }

    [Fact]
    public async Task Under_load_every_write_is_acknowledged_and_stored_or_refused_as_unavailable()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        int acknowledged = 0;
        Task[] writers = [.. Enumerable.Range(0, 20).Select(WriteAsync)];
        await Eventually.TrueAsync(() => Volatile.Read(ref acknowledged) > 500, "there is load");

        (await StopAsync(server)).ShouldBeLessThan(Soon);
        await Task.WhenAll(writers);
        // A put may have been committed without a client still waiting for its answer; the reverse must not happen.
        long rows = (long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions"))!;
        rows.ShouldBeInRange(acknowledged, acknowledged + writers.Length);

        async Task WriteAsync(int writer)
        {
            await using Kv kv = new(server);
            for (int i = 0; ; i++)
            {
                try
                {
                    await kv.PutAsync($"{writer}", $"{i}");
                    Interlocked.Increment(ref acknowledged);
                }
                catch (RpcException refused)
                {
                    refused.StatusCode.ShouldBe(StatusCode.Unavailable, refused.ToString());
                    return;
                }
            }
        }
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        await using LogLock held = await LogLock.TakeAsync(database);
        Task<long> slow = kv.PutAsync("a", "2");
        await LogLock.AwaitedAsync(database);
        server.Process.Signal(UnixSignal.Terminate);
        await server.SaysAsync("Stopping");

        Stopwatch clock = Stopwatch.StartNew();
        server.Process.Signal(UnixSignal.Terminate);
        (await server.Process.WaitForExitAsync()).ShouldNotBe(0);
        clock.Elapsed.ShouldBeLessThan(Soon);
        (await Should.ThrowAsync<RpcException>(() => slow)).StatusCode.ShouldBe(StatusCode.Unavailable);
    }

    private static async Task<T> NextAsync<T>(GrpcRawCall call, MessageParser<T> parser)
        where T : IMessage<T>
    {
        (await call.MoveNextAsync()).ShouldBeTrue();
        return parser.ParseFrom(call.Current);
    }

    private static async Task<TimeSpan> StopAsync(PgEtcdServer server)
    {
        Stopwatch clock = Stopwatch.StartNew();
        (await server.StopAsync()).ShouldBe(0, server.Output);
        return clock.Elapsed;
    }

    private static async Task<bool> ConnectsAsync(Uri url)
    {
        using TcpClient client = new();
        try
        {
            await client.ConnectAsync(IPAddress.Parse(url.Host), url.Port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
