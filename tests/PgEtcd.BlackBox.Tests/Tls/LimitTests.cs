using System.Net;
using System.Net.Sockets;
using System.Text;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>Limits of a client: connections, streams, headers.</summary>
public sealed class LimitTests(OneServer one, PostgresFixture postgres) : IClassFixture<OneServer>, IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Connections_beyond_the_file_limit_are_closed_and_the_others_are_served()
    {
        Uri url = new($"http://127.0.0.1:{FreePort.Next()}");
        // A quarter of the file limit: 150 connections.
        await using ChildProcess server = Launch(
            600, "--database", await postgres.CreateStoreAsync(), "--listen-client-urls", url.ToString().TrimEnd('/'));
        await using GrpcChannel channel = new(url);
        await server.WaitUntilAsync(async () => await TlsSetup.PutAsync(channel, "a", "1") > 0, "it serves");

        List<Socket> sockets = [];
        for (int i = 0; i < 200; i++)
        {
            Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(url.Host, url.Port);
            sockets.Add(socket);
        }

        await Eventually.TrueAsync(() => sockets.Count(IsClosed) >= 50, "those beyond the limit are closed");
        sockets.Count(IsClosed).ShouldBeInRange(50, 55);
        await TlsSetup.PutAsync(channel, "a", "2");
        sockets.ForEach(socket => socket.Dispose());
        await Eventually.TrueAsync(async () =>
        {
            await using GrpcChannel another = new(url);
            return await TlsSetup.PutAsync(another, "a", "3") > 0;
        }, "there is room again");
    }

    [Fact]
    public async Task Streams_beyond_the_limit_wait_for_the_others()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--max-concurrent-streams", "3"]);
        await using GrpcChannel channel = new(server.ClientUrl, singleConnection: true);
        List<WatchCall> watches = [];
        for (int i = 0; i < 3; i++)
        {
            WatchCall watch = new(channel);
            await watch.CreatedAsync(WatchCall.All());
            watches.Add(watch);
        }

        Task<long> fourth = TlsSetup.PutAsync(channel, "a", "1");
        await Task.WhenAny(fourth, Task.Delay(500));
        fourth.IsCompleted.ShouldBeFalse();
        await watches[0].DisposeAsync();
        await fourth;
        await watches[1].DisposeAsync();
        await watches[2].DisposeAsync();
    }

    [Fact]
    public async Task Headers_may_hold_a_long_token_but_no_more_than_32_KiB()
    {
        using HttpClient http = new() { Timeout = Eventually.Patience };
        foreach ((int length, HttpStatusCode expected) in ((int, HttpStatusCode)[])[
            (16_000, HttpStatusCode.OK), (40_000, HttpStatusCode.RequestHeaderFieldsTooLarge)])
        {
            using HttpRequestMessage request = new(HttpMethod.Get, new Uri(one.Server.ClientUrl, "version"));
            request.Headers.TryAddWithoutValidation("x-long", new string('a', length));
            (await http.SendAsync(request)).StatusCode.ShouldBe(expected);
        }

        await using GrpcChannel channel = new(one.Server.ClientUrl);
        foreach (int length in (int[])[16_000, 40_000])
        {
            Metadata headers = new() { { "x-long", new string('a', length) } };
            Task put = channel.UnaryAsync<PgEtcd.Protocol.Etcdserverpb.PutRequest, PgEtcd.Protocol.Etcdserverpb.PutResponse>(
                "etcdserverpb.KV/Put", Kv.Put("a"), headers, Eventually.Patience);
            if (length < 32 * 1024)
            {
                await put;
            }
            else
            {
                (await Should.ThrowAsync<RpcException>(put)).StatusCode.ShouldNotBe(StatusCode.DeadlineExceeded);
            }
        }

        await TlsSetup.PutAsync(channel, "a", "2");
    }

    [Fact]
    public async Task A_silent_connection_is_closed()
    {
        using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(one.Server.ClientUrl.Host, one.Server.ClientUrl.Port);
        await socket.SendAsync(Encoding.ASCII.GetBytes("PRI * HT"));
        (await socket.ReceiveAsync(new byte[1]).WaitAsync(Eventually.Patience)).ShouldBe(0);
    }

    private static bool IsClosed(Socket socket) => socket.Poll(0, SelectMode.SelectRead) && socket.Available == 0;

    private static ChildProcess Launch(int files, params string[] arguments) => ChildProcess.Start(
        "pgetcd", "/bin/sh",
        ["-c", $"ulimit -n {files}; exec \"$0\" \"$@\"", PgEtcdServer.Program, .. arguments], new Dictionary<string, string>
        {
            ["DOTNET_ROOT"] = Path.GetFullPath(
                Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
        });
}
