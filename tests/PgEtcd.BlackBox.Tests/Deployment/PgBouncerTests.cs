using Npgsql;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;
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

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Invariant4_one_commit_per_batch_needs_no_session_so_PgBouncer_works(bool prepares)
    {
        PgBouncer.Require(prepares);
        string direct = await postgres.CreateStoreAsync();
        await using PgBouncer bouncer = await PgBouncer.StartAsync(postgres.Server, prepares);
        string database = bouncer.ConnectionString(new NpgsqlConnectionStringBuilder(direct).Database!)
            + (prepares ? "" : ";Max Auto Prepare=0");
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

        (await SessionsAsync(database, "select pg_listening_channels()"))
            .ShouldBeEmpty("a LISTEN in a shared session would send notifications to other connections");
        (await SessionsAsync(database, "select name from pg_prepared_statements")).Any(name => name.StartsWith("PGBOUNCER"))
            .ShouldBe(prepares, "PgBouncer prepares the statements of puts");

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

        // Sessions and the pooler itself are replaced while both frontends write; each write is made once.
        first.Expect("PostgreSQL does not answer");
        second.Expect("PostgreSQL does not answer");
        long before = await one.RevisionAsync();
        using CancellationTokenSource enough = new();
        Task<int>[] writers = [.. Enumerable.Range(0, 8).Select(i => WriteAsync(i % 2 == 0 ? one : other, $"w/{i}", enough.Token))];
        await bouncer.CommandAsync("RECONNECT");
        await bouncer.CommandAsync("RELOAD");
        await other.PutAsync("w/", "reconnected");
        await bouncer.RestartAsync();
        await one.PutAsync("w/", "restarted");
        await enough.CancelAsync();
        int written = (await Task.WhenAll(writers)).Sum() + 2;
        (await one.RevisionAsync()).ShouldBe(before + written);
        for (int seen = 0; seen < written;)
        {
            foreach (Event told in (await watch.NextAsync()).Events)
            {
                told.Kv.ModRevision.ShouldBe(before + ++seen);
            }
        }
    }

    /// <summary>Puts until cancelled, and returns the number of puts.</summary>
    private static async Task<int> WriteAsync(Kv kv, string key, CancellationToken enough)
    {
        int written = 0;
        for (; !enough.IsCancellationRequested; written++)
        {
            await kv.PutAsync(key, $"{written}");
        }

        return written;
    }

    /// <summary>The result of a query in the sessions behind the pooler: a transaction held on each reaches them all.</summary>
    private static async Task<string[]> SessionsAsync(string database, string query)
    {
        await using NpgsqlDataSource source = NpgsqlDataSource.Create(database);
        List<NpgsqlConnection> connections = [];
        List<string> found = [];
        try
        {
            for (int i = 0; i < PgBouncer.Sessions; i++)
            {
                NpgsqlConnection connection = await source.OpenConnectionAsync();
                connections.Add(connection);
                await connection.BeginTransactionAsync();
                await using NpgsqlCommand command = new(query, connection);
                await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
                while (await reader.ReadAsync())
                {
                    found.Add(reader.GetString(0));
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

        return [.. found];
    }
}
