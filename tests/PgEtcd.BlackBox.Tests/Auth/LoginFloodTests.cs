using System.Diagnostics;
using System.Net;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>More logins for invented names than can be checked (fault A6).</summary>
[Collection(nameof(Alone))]
public sealed class LoginFloodTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    private const int InFlight = 1100;

    [Theory]
    [InlineData(false)]
    [InlineData(true)] // both clients behind one proxy, which passes on their addresses
    public async Task Other_clients_still_log_in_and_so_does_the_same_address_with_a_known_password(bool isProxied)
    {
        string[] proxied = isProxied ? ["--proxy-protocol-from", "127.0.0.2"] : [];
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), moreArguments: proxied);
        await using AuthClient admin = new(server);
        await admin.EnableAsync();
        for (int i = 0; i < 5; i++)
        {
            await admin.AddUserAsync($"user{i}", admin.Root);
        }

        await using GrpcChannel hostile = From("127.0.0.66");
        await using GrpcChannel other = From("127.0.0.7");
        await LoginAsync(hostile, "user4", "user4");
        using CancellationTokenSource stop = new();
        long guesses = 0;
        Task[] flood = [.. Enumerable.Range(0, InFlight).Select(_ => Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested)
            {
                string name = $"nobody{Interlocked.Increment(ref guesses)}";
                try
                {
                    await LoginAsync(hostile, name, "x", stop.Token);
                }
                catch (RpcException)
                {
                    await Task.Delay(20); // limits the test's own share of the processors
                }
            }
        }))];
        await Eventually.TrueAsync(() => Interlocked.Read(ref guesses) > InFlight, "all have guessed once");

        List<double> logins = [];
        for (int i = 0; i < 4; i++)
        {
            long started = Stopwatch.GetTimestamp();
            await LoginAsync(other, $"user{i}", $"user{i}");
            logins.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            await LoginAsync(hostile, "user4", "user4");
        }

        await stop.CancelAsync();
        await Task.WhenAll(flood);
        logins.Sort();
        output.WriteLine(
            $"{guesses} guesses; {logins.Count} logins of others: median {logins[logins.Count / 2]:0} ms, longest {logins[^1]:0} ms");
        logins[^1].ShouldBeLessThan(3000);

        GrpcChannel From(string address) => isProxied
            ? new GrpcChannel(
                server.ClientUrl, singleConnection: true, from: IPAddress.Parse("127.0.0.2"),
                opening: System.Text.Encoding.ASCII.GetBytes($"PROXY TCP4 {address} 127.0.0.1 5000 2379\r\n"))
            : new GrpcChannel(server.ClientUrl, singleConnection: true, from: IPAddress.Parse(address));
    }

    /// <summary>Guesses at many names are counted together.</summary>
    [Fact]
    public async Task Guesses_of_an_address_are_limited_whatever_the_names()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            await postgres.CreateStoreAsync(), moreArguments: ["--bcrypt-cost", "4"]);
        await using AuthClient admin = new(server);
        await admin.EnableAsync();
        await using GrpcChannel hostile = new(server.ClientUrl, from: IPAddress.Parse("127.0.0.66"));
        await using GrpcChannel other = new(server.ClientUrl, from: IPAddress.Parse("127.0.0.7"));
        int wrong = 0;
        Status refused = default;
        while (refused.StatusCode == StatusCode.OK)
        {
            Status status = (await Should.ThrowAsync<RpcException>(() => LoginAsync(hostile, $"nobody{wrong}", "x"))).Status;
            refused = status.Equals(EtcdErrors.AuthFailed.Status) ? refused : status;
            (++wrong).ShouldBeLessThan(1000);
        }

        refused.ShouldBe(EtcdErrors.RequestTooManyRequests.Status);
        wrong.ShouldBeGreaterThan(300);
        await LoginAsync(hostile, "root", "root"); // this password is known by now
        (await Should.ThrowAsync<RpcException>(() => LoginAsync(other, "nobody", "x"))).Status.ShouldBe(EtcdErrors.AuthFailed.Status);
    }

    private static Task<AuthenticateResponse> LoginAsync(
        GrpcChannel channel, string name, string password, CancellationToken cancellationToken = default) =>
        channel.UnaryAsync<AuthenticateRequest, AuthenticateResponse>(
            "etcdserverpb.Auth/Authenticate", new AuthenticateRequest { Name = name, Password = password },
            cancellationToken: cancellationToken);
}
