using Dapper;
using Grpc.Core;
using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Removal after a compaction, with SIGKILL and SIGSTOP in the middle: it resumes by itself, and takes nothing that is still
/// needed.</summary>
public sealed class RemovalTests : IAsyncLifetime
{
    private const int Keys = 500;
    private const int Revisions = 60_000;
    private const int Head = Revisions + 1;

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Slow enough to be caught in the middle.</summary>
    private static readonly string[] Slowly = ["--compaction-batch-limit", "500", "--compaction-sleep-interval", "20ms"];

    private PostgresServer _postgres = null!;

    private string Database => _postgres.ConnectionString();

    public async Task InitializeAsync()
    {
        _postgres = await PostgresServer.StartAsync();
        await using (PgEtcdServer migrate = await PgEtcdServer.StartAsync(Database))
        {
            await migrate.StopAsync();
        }

        // An hour old. The first revision creates each key, the others change it.
        await ExecuteAsync($"""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select n + 2, 0, convert_to('k' || n % {Keys}, 'utf8'), convert_to(n::text, 'utf8'), n % {Keys} + 2, n / {Keys} + 1, 0,
                now() - interval '1 hour', 'gone'
            from generate_series(0, {Revisions - 1}) n
            """);
    }

    [Fact]
    [Trait("issue", "kine#414")]
    [Trait("issue", "kine#489")]
    [Trait("issue", "etcd#17780")]
    public async Task The_leader_is_killed_and_another_frontend_finishes()
    {
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(Database, name: "first", moreArguments: Slowly);
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(Database, name: "second", moreArguments: Slowly);
        await using KvClient one = new(first);
        await using KvClient two = new(second);
        await two.CompactAsync(Head);
        await WalkedAsync(2000);
        bool firstLeads = (await ScalarAsync<string>("select holder from pgetcd.leader")).StartsWith("first", StringComparison.Ordinal);
        (PgEtcdServer victim, KvClient survivor) = firstLeads ? (first, two) : (second, one);

        await victim.Kill9Async();
        (await RowsAsync()).ShouldBeGreaterThan(Keys, "it was killed in the middle");

        await FinishedAsync();
        await CheckAsync(survivor);
    }

    [Fact]
    [Trait("issue", "kine#365")]
    [Trait("issue", "etcd#14685")]
    public async Task Removal_continues_after_PostgreSQL_is_killed_and_back()
    {
        await using PgEtcdServer frontend = await PgEtcdServer.StartAsync(Database, moreArguments: Slowly);
        await using KvClient client = new(frontend);
        await client.CompactAsync(Head);
        await WalkedAsync(2000);
        frontend.Expect("PostgreSQL does not answer, trying again");
        await _postgres.Kill9Async();
        await _postgres.RestartAsync();

        await FinishedAsync();
        await CheckAsync(client);
    }

    /// <summary>The rows that a paused frontend has not read are gone when it resumes: it must not show half of the changes.</summary>
    [Fact]
    [Trait("issue", "kine#220")]
    [Trait("issue", "etcd#20418")]
    public async Task A_frontend_frozen_during_a_compaction_shows_the_present_afterwards()
    {
        await using PgEtcdServer paused = await PgEtcdServer.StartAsync(Database, name: "paused");
        await using PgEtcdServer awake = await PgEtcdServer.StartAsync(Database, name: "awake");
        await using KvClient sleeper = new(paused);
        await using KvClient client = new(awake);
        (await sleeper.GetAsync("k1")).Count.ShouldBe(1);
        paused.Process.Signal(UnixSignal.Stop);
        try
        {
            await client.DeleteAsync("k1");
            await client.PutAsync("k2", "new");
            await client.PutAsync("k2", "newer");
            await client.CompactAsync((await client.PutAsync("k3", "new")).Header.Revision);
            // The leadership of the paused frontend ends; then the rows are removed, except one that is kept for a while.
            await Eventually.TrueAsync(async () => await RowsAsync() <= Keys + 1, Limit, "what is superseded is gone");
        }
        finally
        {
            paused.Process.Signal(UnixSignal.Continue);
        }

        (await sleeper.GetAsync("k1")).Count.ShouldBe(0);
        (await sleeper.GetAsync("k2")).Kvs[0].Value.ToStringUtf8().ShouldBe("newer");
        // And a write through it is not decided on what it has missed.
        (await sleeper.CompareAndPutAsync("k1", 0, "again")).Succeeded.ShouldBeTrue();
        (await sleeper.AllAsync()).Kvs.ShouldBe((await client.AllAsync()).Kvs);
        (await sleeper.AllAsync()).Kvs.Sum(kv => kv.Version).ShouldBe(
            await ScalarAsync<long>("select sum(version)::bigint from pgetcd.current_state"));
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    private async Task CheckAsync(KvClient client)
    {
        (await RowsAsync()).ShouldBe(Keys);
        (await client.GetAsync("k7", revision: Head)).Kvs[0].Value.ToStringUtf8().ShouldBe($"{Revisions - Keys + 7}");
        (await Should.ThrowAsync<RpcException>(() => client.GetAsync("k7", revision: Head - 1))).StatusCode.ShouldBe(StatusCode.OutOfRange);
        (await client.PutAsync("next", "1")).Header.Revision.ShouldBe(Head + 1);
        (await ScalarAsync<long>("select sum(version)::bigint from pgetcd.current_state")).ShouldBe(Revisions + 1);
    }

    private Task WalkedAsync(long revision) => Eventually.TrueAsync(
        async () => await ScalarAsync<long>("select walked_revision from pgetcd.removal") > revision, Limit, $"removal is past {revision}");

    private Task FinishedAsync() => Eventually.TrueAsync(
        async () => await ScalarAsync<long>("select finished_revision from pgetcd.removal") == Head, Limit, "removal is finished");

    private Task<long> RowsAsync() => ScalarAsync<long>("select count(*) from pgetcd.revisions");

    private async Task<T> ScalarAsync<T>(string sql)
    {
        await using NpgsqlConnection connection = new(Database);
        return (await connection.ExecuteScalarAsync<T>(sql))!;
    }

    private async Task ExecuteAsync(string sql)
    {
        await using NpgsqlConnection connection = new(Database);
        await connection.ExecuteAsync(sql);
    }
}
