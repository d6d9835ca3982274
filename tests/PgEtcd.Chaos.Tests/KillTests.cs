using System.Collections.Concurrent;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>SIGKILL during a load of writes: acknowledged writes are in the log once, at the revision of the answer; writes in doubt are
/// there once or not at all.</summary>
public sealed class KillTests : IAsyncLifetime
{
    private const int Writers = 12;

    private readonly ConcurrentDictionary<string, long> _acknowledged = new();
    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync(new PostgresOptions { Fsync = true });

    [Fact]
    [Trait("issue", "etcd#14370")]
    [Trait("issue", "etcd#13766")]
    public async Task Invariant5_no_answer_before_commit_though_a_frontend_is_killed_three_times()
    {
        string database = _postgres.ConnectionString();
        await using PgEtcdServer survivor = await PgEtcdServer.StartAsync(database, name: "survivor");
        int port = FreePort.Next();
        PgEtcdServer victim = await PgEtcdServer.StartAsync(database, name: "victim", port: port);
        using CancellationTokenSource stop = new();
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(writer => WriteAsync(
            writer, writer % 3 == 0 ? survivor.ClientUrl : new Uri($"http://127.0.0.1:{port}"), stop.Token))];

        for (int kill = 0; kill < 3; kill++)
        {
            await AcknowledgedAsync(200);
            await victim.Kill9Async();
            await victim.DisposeAsync();
            victim = await PgEtcdServer.StartAsync(database, name: "victim", port: port);
        }

        await AcknowledgedAsync(200);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await using KvClient one = new(survivor);
        await using KvClient two = new(victim);
        await CheckAsync(database, one, two);
        await victim.DisposeAsync();
    }

    [Fact]
    [Trait("issue", "etcd#14370")]
    [Trait("issue", "k3s#2366")]
    public async Task Invariant5_no_answer_before_commit_though_PostgreSQL_is_killed_twice()
    {
        string database = _postgres.ConnectionString();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        using CancellationTokenSource stop = new();
        Task[] writers = [.. Enumerable.Range(0, Writers).Select(
            writer => WriteAsync(writer, (writer % 2 == 0 ? first : second).ClientUrl, stop.Token))];

        first.Expect("PostgreSQL does not answer, trying again");
        second.Expect("PostgreSQL does not answer, trying again");
        for (int kill = 0; kill < 2; kill++)
        {
            await AcknowledgedAsync(300);
            await _postgres.Kill9Async();
            await _postgres.RestartAsync();
        }

        await AcknowledgedAsync(300);
        await stop.CancelAsync();
        await Task.WhenAll(writers);
        await using KvClient one = new(first);
        await using KvClient two = new(second);
        await CheckAsync(database, one, two);
    }

    [Fact]
    [Trait("issue", "etcd#17780")]
    [Trait("issue", "kine#311")]
    public async Task Killed_after_a_compaction_the_revision_and_the_mark_stay()
    {
        string database = _postgres.ConnectionString();
        PgEtcdServer frontend = await PgEtcdServer.StartAsync(database);
        long head;
        await using (KvClient client = new(frontend))
        {
            await client.PutAsync("old", "kept");
            for (int i = 0; i < 20; i++)
            {
                head = (await client.PutAsync("changing", $"{i}")).Header.Revision;
            }

            head = (await client.PutAsync("last", "1")).Header.Revision;
            await client.CompactAsync(head);
            await frontend.Kill9Async();
        }

        await frontend.DisposeAsync();
        await _postgres.Kill9Async();
        await _postgres.RestartAsync();
        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using KvClient after = new(again);
        (await after.GetAsync("old", revision: head)).Kvs[0].Value.ToStringUtf8().ShouldBe("kept");
        (await after.GetAsync("old")).Header.Revision.ShouldBe(head);
        (await Should.ThrowAsync<RpcException>(() => after.GetAsync("old", revision: head - 1))).StatusCode.ShouldBe(StatusCode.OutOfRange);
        (await after.PutAsync("next", "1")).Header.Revision.ShouldBe(head + 1);
    }

    [Fact]
    public async Task Invariant6_no_guessing_without_PostgreSQL_clients_get_an_error_in_time()
    {
        await using PgEtcdServer frontend = await PgEtcdServer.StartAsync(
            _postgres.ConnectionString(), moreArguments: ["--election-timeout", "500"]);
        await using KvClient client = new(frontend);
        await client.PutAsync("a", "1");
        frontend.Expect("PostgreSQL does not answer, trying again");
        await _postgres.Kill9Async();

        Status timedOut = new(StatusCode.Unavailable, "etcdserver: request timed out");
        Task<RpcException> put = Should.ThrowAsync<RpcException>(() => client.PutAsync("b", "2", TimeSpan.FromSeconds(30)));
        Task<RpcException> get = Should.ThrowAsync<RpcException>(() => client.GetAsync("a", timeout: TimeSpan.FromSeconds(30)));
        (await client.GetAsync("a", serializable: true)).Kvs[0].Value.ToStringUtf8().ShouldBe("1");
        (await put).Status.ShouldBe(timedOut);
        (await get).Status.ShouldBe(timedOut);

        await _postgres.RestartAsync();
        await Eventually.TrueAsync(
            async () => (await client.PutAsync("c", "3")).Header.Revision > 2, "the frontend writes again");
        await new LogTable(_postgres.ConnectionString()).ShouldBeWhatFrontendsShowAsync(client);
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    /// <summary>Puts its own keys one by one; a failed put is in doubt and never repeated.</summary>
    private async Task WriteAsync(int writer, Uri frontend, CancellationToken stop)
    {
        await using KvClient client = new(frontend);
        for (int number = 0; !stop.IsCancellationRequested; number++)
        {
            string key = $"w{writer:00}/{number:000000}";
            try
            {
                _acknowledged[key] = (await client.PutAsync(key, key, TimeSpan.FromSeconds(20))).Header.Revision;
            }
            catch (Exception error) when (error is RpcException or HttpRequestException or IOException)
            {
                await Task.Yield(); // the frontend is down, so the put is in doubt
            }
        }
    }

    private Task AcknowledgedAsync(int more)
    {
        int target = _acknowledged.Count + more;
        return Eventually.TrueAsync(() => _acknowledged.Count >= target, $"{more} more writes are acknowledged");
    }

    private async Task CheckAsync(string database, params KvClient[] frontends)
    {
        LogTable log = new(database);
        await log.ShouldBeWellFormedAsync();
        await log.ShouldBeWhatFrontendsShowAsync(frontends);
        HashSet<string> puts = await log.PutsAsync();
        _acknowledged.Where(put => !puts.Contains($"{put.Key}@{put.Value}")).ShouldBeEmpty("every acknowledged write is in the log");
        (await log.ReplayAsync()).Where(row => row.Version != 1).ShouldBeEmpty("nothing was written twice");
    }
}
