using System.Net.Sockets;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>A client that opens streams and resets them at once (fault A3, CVE-2023-44487).</summary>
[Collection(nameof(Alone))]
public sealed class RapidResetTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Attack = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("/etcdserverpb.KV/Range")]
    [InlineData("/etcdserverpb.Watch/Watch")]
    public async Task Its_connections_are_closed_and_puts_of_other_clients_are_hardly_slower(string path)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using OtherClient other = await OtherClient.StartAsync(server);
        using CancellationTokenSource stop = new(Attack);

        (long sent, int connections) = await Task.Run(() => AttackAsync(server, path, stop.Token));

        output.WriteLine($"{sent} streams on {connections} connections; {await other.EndAsync()}");
        connections.ShouldBeGreaterThan(1, "its connections are closed");
        other.Longest.ShouldBeLessThan(1500);
        other.Grown.ShouldBeLessThan(300);
    }

    private static async Task<(long Streams, int Connections)> AttackAsync(PgEtcdServer server, string path, CancellationToken stop)
    {
        (long sent, int connections) = (0, 0);
        byte[] thrownAway = new byte[65536];
        byte[] block = Http2Frames.HeaderBlock(path, server.ClientUrl.Authority);
        while (!stop.IsCancellationRequested)
        {
            connections++;
            try
            {
                using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(server.ClientUrl.Host, server.ClientUrl.Port, stop);
                await socket.SendAsync((byte[])[.. Http2Frames.Preface, .. Http2Frames.Frame(Http2Frames.Settings, 0, 0, [])], stop);
                for (int stream = 1; ;)
                {
                    List<byte> bytes = [];
                    for (int i = 0; i < 100; i++, stream += 2)
                    {
                        bytes.AddRange(Http2Frames.Frame(Http2Frames.Headers, Http2Frames.EndHeaders, stream, block));
                        bytes.AddRange(Http2Frames.Frame(Http2Frames.Reset, 0, stream, [0, 0, 0, 8]));
                    }

                    await socket.SendAsync(bytes.ToArray(), stop);
                    sent += 100;
                    while (socket.Available > 0)
                    {
                        await socket.ReceiveAsync(thrownAway, stop);
                    }
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // The connection was closed, or the time is up.
            }
        }

        return (sent, connections);
    }
}
