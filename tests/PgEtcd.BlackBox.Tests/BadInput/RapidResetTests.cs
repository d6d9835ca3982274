using System.Diagnostics;
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
    private const byte Headers = 1;
    private const byte Reset = 3;
    private const byte Settings = 4;
    private static readonly TimeSpan Attack = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("/etcdserverpb.KV/Range")]
    [InlineData("/etcdserverpb.Watch/Watch")]
    public async Task Its_connections_are_closed_and_the_puts_of_others_hardly_notice(string path)
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv kv = new(server);
        await kv.PutAsync("warm", "1");
        using CancellationTokenSource stop = new(Attack);
        Task<(long Streams, int Connections)> attack = Task.Run(() => AttackAsync(server, path, stop.Token));

        List<double> puts = [];
        long most = 0;
        while (!stop.IsCancellationRequested)
        {
            long started = Stopwatch.GetTimestamp();
            await kv.PutAsync("other", "1");
            puts.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            most = Math.Max(most, server.ResidentBytes);
        }

        (long sent, int connections) = await attack;
        puts.Sort();
        output.WriteLine($"{sent} streams on {connections} connections; puts: median {puts[puts.Count / 2]:0.0} ms, longest {puts[^1]:0} ms; "
            + $"{most / 1000000} MB");
        connections.ShouldBeGreaterThan(1, "its connections are closed");
        puts[^1].ShouldBeLessThan(1500);
        most.ShouldBeLessThan(500_000_000);
    }

    private static async Task<(long Streams, int Connections)> AttackAsync(PgEtcdServer server, string path, CancellationToken stop)
    {
        (long sent, int connections) = (0, 0);
        byte[] block = Http2Client.HeaderBlock(path, server.ClientUrl.Authority);
        while (!stop.IsCancellationRequested)
        {
            connections++;
            try
            {
                using Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
                await socket.ConnectAsync(server.ClientUrl.Host, server.ClientUrl.Port, stop);
                await socket.SendAsync((byte[])[.. "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8, .. Http2Client.Frame(Settings, 0, 0, [])], stop);
                for (int stream = 1; ;)
                {
                    List<byte> bytes = [];
                    for (int i = 0; i < 100; i++, stream += 2)
                    {
                        bytes.AddRange(Http2Client.Frame(Headers, 4, stream, block));
                        bytes.AddRange(Http2Client.Frame(Reset, 0, stream, [0, 0, 0, 8]));
                    }

                    await socket.SendAsync(bytes.ToArray(), stop);
                    sent += 100;
                    while (socket.Available > 0)
                    {
                        if (await socket.ReceiveAsync(new byte[65536], stop) == 0)
                        {
                            break;
                        }
                    }
                }
            }
            catch (Exception exception) when (exception is SocketException or OperationCanceledException)
            {
                // It was thrown out, or the time is up.
            }
        }

        return (sent, connections);
    }
}
