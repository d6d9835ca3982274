using System.Text.Json;
using Google.Protobuf.Reflection;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Rpc;
using Shouldly;

namespace PgEtcd.Fuzz.Tests;

/// <summary>A server under attack, and the checks during the attack and afterwards.</summary>
internal sealed class FuzzedServer : IAsyncDisposable
{
    /// <summary>The text of an unexpected exception in a service.</summary>
    public const string Thrown = "Exception was thrown by handler.";

    private const long MostBytes = 700L << 20;
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(60);

    private readonly string _database;

    private FuzzedServer(string database, PgEtcdServer server)
    {
        _database = database;
        Server = server;
    }

    /// <summary>Every method for clients.</summary>
    public static IReadOnlyList<MethodDescriptor> Methods { get; } = [
        .. RpcCatalogue.All.OrderBy(method => method.FullName, StringComparer.Ordinal)];

    public PgEtcdServer Server { get; }

    public Uri Url => Server.ClientUrl;

    public static async Task<FuzzedServer> StartAsync(PostgresFixture postgres)
    {
        string database = await postgres.CreateStoreAsync();
        return new FuzzedServer(database, await PgEtcdServer.StartAsync(database));
    }

    /// <summary>Makes attempts on the server, checks it after every hundredth, and its history at the end.</summary>
    public async Task AttackAsync(int usual, Func<int, Task> attempt, Func<int, string>? tell = null)
    {
        await FuzzRun.AllAsync(usual, 8, async seed =>
        {
            await attempt(seed);
            if (seed % 100 == 0)
            {
                await CheckAsync();
            }
        }, tell);
        await VerifyAsync();
    }

    /// <summary>Checks that the server serves other clients, has logged no bug and has a bounded size.</summary>
    private async Task CheckAsync()
    {
        await using GrpcChannel other = new(Url);
        await other.UnaryAsync<RangeRequest, RangeResponse>(
            "etcdserverpb.KV/Range", new RangeRequest { Key = Google.Protobuf.ByteString.CopyFromUtf8("a") }, timeout: Soon);
        Server.Log.Where(line => line.GetProperty("level").GetString() is not ("debug" or "info" or "warn")).Select(Text).ShouldBeEmpty();
        Server.ResidentBytes.ShouldBeLessThan(MostBytes);

        static string Text(JsonElement line) => line.ToString();
    }

    /// <summary>Checks with pgetcd verify that the history is still sound.</summary>
    private async Task VerifyAsync()
    {
        await CheckAsync();
        (await Server.StopAsync()).ShouldBe(0, Server.Output);
        CommandResult verified = await Command.RunAsync(PgEtcdServer.Program, ["verify", "--database", _database]);
        verified.ExitCode.ShouldBe(0, verified.Output + verified.Error);
    }

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
