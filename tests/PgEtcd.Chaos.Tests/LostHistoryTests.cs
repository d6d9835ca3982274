using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>PostgreSQL comes back with an older copy of its data: commits that clients have seen are lost (design §11).</summary>
[Trait("issue", "etcd#16028")]
public sealed class LostHistoryTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    public async Task Invariant2_no_gaps_except_after_lost_history_and_no_revision_is_given_twice()
    {
        string database = _postgres.ConnectionString();
        await using PgEtcdServer first = await PgEtcdServer.StartAsync(database, name: "first");
        await using PgEtcdServer second = await PgEtcdServer.StartAsync(database, name: "second");
        await using KvClient one = new(first);
        await using KvClient two = new(second);
        long kept = (await one.PutAsync("kept", "1")).Header.Revision;

        foreach (PgEtcdServer frontend in (PgEtcdServer[])[first, second])
        {
            frontend.Expect("PostgreSQL does not answer, trying again", "PostgreSQL has lost commits in a failover");
        }

        string copy = _postgres.DataDirectory + ".copy";
        await _postgres.StopAsync();
        await CopyAsync(_postgres.DataDirectory, copy);
        await _postgres.RestartAsync();
        long lost = 0;
        for (int i = 0; i < 10; i++)
        {
            lost = (await one.PutAsync($"lost{i}", "1")).Header.Revision;
        }

        (await two.GetAsync("lost9")).Header.Revision.ShouldBe(lost, "both have seen it");
        await using GrpcChannel channel = new(second.ClientUrl);
        await using WatchCall watch = new(channel);
        await watch.CreatedAsync(WatchCall.All());

        await _postgres.StopAsync();
        Directory.Delete(_postgres.DataDirectory, recursive: true);
        await CopyAsync(copy, _postgres.DataDirectory);
        await _postgres.RestartAsync();

        // The first write, through any frontend: the new history begins far above the old.
        PutResponse put = await two.PutAsync("new", "1", Limit);
        put.Header.Revision.ShouldBeGreaterThan(lost + 100_000);
        RangeResponse read = await one.GetAsync("new", timeout: Limit);
        read.Kvs[0].ModRevision.ShouldBe(put.Header.Revision);
        (await one.GetAsync("lost9")).Kvs.ShouldBeEmpty();
        (await one.GetAsync("kept")).Kvs[0].ModRevision.ShouldBe(kept);
        foreach (KvClient client in (KvClient[])[one, two])
        {
            // Reads at the old revisions do not contradict what was shown before: they are compacted.
            for (long revision = kept; revision <= lost; revision++)
            {
                (await Should.ThrowAsync<RpcException>(() => client.GetAsync("kept", revision: revision))).StatusCode
                    .ShouldBe(StatusCode.OutOfRange);
            }
        }

        // The watch is cancelled as compacted, instead of passing from one history to the other.
        WatchResponse end = await watch.NextAsync();
        (end.Canceled, end.CompactRevision).ShouldBe((true, put.Header.Revision - 1));

        (await one.PutAsync("newer", "1")).Header.Revision.ShouldBe(put.Header.Revision + 1);
        await new LogTable(database).ShouldBeWhatFrontendsShowAsync(one, two);
    }

    [Fact]
    public async Task A_restart_alone_moves_nothing()
    {
        string database = _postgres.ConnectionString();
        await using PgEtcdServer frontend = await PgEtcdServer.StartAsync(database);
        await using KvClient client = new(frontend);
        long before = (await client.PutAsync("a", "1")).Header.Revision;
        frontend.Expect("PostgreSQL does not answer, trying again");
        await _postgres.Kill9Async();
        await _postgres.RestartAsync();
        (await client.PutAsync("a", "2", Limit)).Header.Revision.ShouldBe(before + 1);
        await new LogTable(database).ShouldBeWellFormedAsync();
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    private static async Task CopyAsync(string from, string to) =>
        (await Command.RunAsync("cp", ["-a", from, to])).ExitCode.ShouldBe(0);
}
