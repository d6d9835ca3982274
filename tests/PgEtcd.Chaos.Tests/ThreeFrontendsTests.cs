using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>Frontends that know of each other only through the table.</summary>
public sealed class ThreeFrontendsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private readonly List<PgEtcdServer> _frontends = [];
    private readonly List<KvClient> _clients = [];
    private string _database = "";

    public async Task InitializeAsync()
    {
        _database = await postgres.CreateStoreAsync();
        // All start at once: each finds the schema missing, and one creates it.
        _frontends.AddRange(await Task.WhenAll(
            Enumerable.Range(1, 3).Select(number => PgEtcdServer.StartAsync(_database, name: $"frontend{number}"))));
        _clients.AddRange(_frontends.Select(frontend => new KvClient(frontend)));
    }

    [Fact]
    [Trait("issue", "kine#759")]
    [Trait("issue", "kine#551")]
    public async Task Invariant2_no_gaps_among_three_frontends_and_no_swap_is_lost()
    {
        int[] increments = await Task.WhenAll(Enumerable.Range(0, 18).Select(worker => CountAsync(worker, swaps: 40)));

        increments.Sum().ShouldBe(18 * 40);
        LogTable log = new(_database);
        await log.ShouldBeWellFormedAsync();
        await log.ShouldBeWhatFrontendsShowAsync([.. _clients]);
        (await log.ReplayAsync()).Sum(row => long.Parse(row.Value, provider: null)).ShouldBe(increments.Sum());
        foreach (PgEtcdServer frontend in _frontends)
        {
            frontend.Complaints.ShouldBeEmpty("a conflict is expected and no error");
        }
    }

    [Fact]
    public async Task Invariant5_no_answer_before_commit_so_every_other_frontend_reads_it_at_once()
    {
        for (int i = 0; i < 200; i++)
        {
            PutResponse put = await _clients[i % 3].PutAsync("shared", $"{i}");
            RangeResponse get = await _clients[(i + 1) % 3].GetAsync("shared");
            get.Kvs.ShouldHaveSingleItem().Value.ToStringUtf8().ShouldBe($"{i}");
            get.Header.Revision.ShouldBe(put.Header.Revision);
        }
    }

    [Fact]
    public async Task A_frontend_without_requests_follows_the_log()
    {
        PutResponse put = await _clients[0].PutAsync("followed", "1");

        await Eventually.TrueAsync(
            async () => (await _clients[2].GetAsync("followed", serializable: true)).Header.Revision >= put.Header.Revision,
            "the tail takes the put in without a barrier");
    }

    [Fact]
    public async Task A_compaction_through_one_frontend_binds_all()
    {
        for (int i = 0; i < 5; i++)
        {
            await _clients[0].PutAsync("compacted", $"{i}");
        }

        RangeResponse before = await _clients[1].GetAsync("compacted");
        await _clients[0].CompactAsync(before.Header.Revision);

        foreach (KvClient client in _clients)
        {
            RpcException error = await Should.ThrowAsync<RpcException>(
                () => client.GetAsync("compacted", revision: before.Header.Revision - 1));
            error.Status.ShouldBe(new Status(StatusCode.OutOfRange, "etcdserver: mvcc: required revision has been compacted"));
            (await client.GetAsync("compacted", revision: before.Header.Revision)).Kvs[0].Value.ToStringUtf8().ShouldBe("4");
        }
    }

    [Fact]
    [Trait("issue", "etcd#20418")]
    public async Task A_paused_frontend_reads_fresh_data_when_it_resumes()
    {
        await _clients[1].PutAsync("paused", "old");
        (await _clients[0].GetAsync("paused")).Kvs[0].Value.ToStringUtf8().ShouldBe("old");
        _frontends[0].Process.Signal(Testing.Processes.UnixSignal.Stop);
        Task<RangeResponse> asked;
        try
        {
            asked = _clients[0].GetAsync("paused", timeout: TimeSpan.FromSeconds(30));
            await _clients[1].PutAsync("paused", "new");
        }
        finally
        {
            _frontends[0].Process.Signal(Testing.Processes.UnixSignal.Continue);
        }

        await asked; // sent before the put, so either value is right
        (await _clients[0].GetAsync("paused")).Kvs[0].Value.ToStringUtf8().ShouldBe("new");
    }

    public async Task DisposeAsync()
    {
        foreach (KvClient client in _clients)
        {
            await client.DisposeAsync();
        }

        foreach (PgEtcdServer frontend in _frontends)
        {
            await frontend.DisposeAsync();
        }
    }

    /// <summary>Increments counters, each time through another frontend, until this number of swaps has succeeded.</summary>
    private async Task<int> CountAsync(int worker, int swaps)
    {
        Random random = new(worker);
        int done = 0;
        while (done < swaps)
        {
            string key = $"counter{random.Next(4)}";
            KvClient client = _clients[random.Next(_clients.Count)];
            RangeResponse read = await client.GetAsync(key, serializable: random.Next(3) == 0);
            long value = read.Kvs.Count == 0 ? 0 : long.Parse(read.Kvs[0].Value.ToStringUtf8(), provider: null);
            TxnResponse swap = await client.CompareAndPutAsync(key, read.Kvs.Count == 0 ? 0 : read.Kvs[0].ModRevision, $"{value + 1}");
            done += swap.Succeeded ? 1 : 0;
        }

        return done;
    }
}
