using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>Two frontends that reach PostgreSQL through PgBouncer in transaction mode, as in docs/operations.md.</summary>
public sealed class PgBouncerTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [SkippableFact]
    public async Task Invariant4_one_commit_per_batch_needs_no_session_so_PgBouncer_works()
    {
        PgBouncer.Require();
        string direct = await postgres.CreateStoreAsync();
        await using PgBouncer bouncer = await PgBouncer.StartAsync(postgres.Server);
        string database = bouncer.ConnectionString(new NpgsqlConnectionStringBuilder(direct).Database!) + ";Max Auto Prepare=0";
        PgEtcdServer[] servers = await Task.WhenAll(
            Enumerable.Range(1, 2).Select(number => PgEtcdServer.StartAsync(database, name: $"frontend{number}")));
        await using PgEtcdServer first = servers[0];
        await using PgEtcdServer second = servers[1];
        await using Kv one = new(first);
        await using Kv other = new(second);

        await using WatchCall watch = new(other.Channel);
        await watch.CreatedAsync(WatchCall.Prefix("w"));
        for (int i = 0; i < 20; i++)
        {
            long revision = await one.PutAsync($"w{i}", $"{i}");
            (await other.ReadAsync($"w{i}")).ShouldBe([$"w{i}={i}"]);
            WatchResponse told = await watch.NextAsync();
            (told.Header.Revision, told.Events.ShouldHaveSingleItem().Kv.Key).ShouldBe((revision, Bytes($"w{i}")));
        }

        (await ChannelsAsync(database)).ShouldBeEmpty("a LISTEN in a shared session would send notifications to other connections");

        // Many writes at a time from both frontends: conflicts, appends under the lock, and sessions that change hands.
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => (i % 2 == 0 ? one : other).PutAsync("contended", $"{i}")));
        (await one.RevisionAsync()).ShouldBe(421);
        (await one.ReadAsync("w3", revision: 5)).ShouldBe(["w3=3"]);
        await one.CompactAsync(200, physical: true);

        long lease = await one.Channel.GrantAsync(2);
        await one.SendAsync(Put("leased", "1", lease));
        using (GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = other.Channel.KeepAlive())
        {
            (await stream.AskAsync(lease)).TTL.ShouldBe(2);
        }

        LockResponse held = await one.Channel.LockAsync("lock", await one.Channel.GrantAsync(600));
        Task<LockResponse> waiting = other.Channel.LockAsync("lock", await other.Channel.GrantAsync(600));
        await Eventually.TrueAsync(async () => (await one.ReadAsync("leased")).Length == 0, Limit, "the lease expires");
        waiting.IsCompleted.ShouldBeFalse();
        await one.Channel.UnlockAsync(held.Key);
        await waiting.WaitAsync(Limit);
    }

    /// <summary>The channels on which the sessions behind the pooler listen: a transaction held on each reaches them all.</summary>
    private static async Task<string[]> ChannelsAsync(string database)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
        List<NpgsqlConnection> connections = [];
        List<string> channels = [];
        try
        {
            for (int i = 0; i < PgBouncer.Sessions; i++)
            {
                NpgsqlConnection connection = await source.OpenConnectionAsync();
                connections.Add(connection);
                await connection.BeginTransactionAsync();
                await using NpgsqlCommand command = new("select pg_listening_channels()", connection);
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
                while (await reader.ReadAsync())
                {
                    channels.Add(reader.GetString(0));
                }
            }
        }
        finally
        {
            foreach (NpgsqlConnection connection in connections)
            {
                await connection.DisposeAsync();
            }
        }

        return [.. channels];
    }
}
