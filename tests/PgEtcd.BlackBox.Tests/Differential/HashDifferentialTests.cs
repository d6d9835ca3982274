using System.Globalization;
using Google.Protobuf;
using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;
using Xunit.Abstractions;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>
/// Sends the same random requests to real etcd and PgEtcd, and compares HashKV at every revision (semantics.md §10.1). <c>TESTED_SEED</c>
/// repeats a run, <c>TESTED_REQUESTS</c> makes it longer.
/// </summary>
public sealed class HashDifferentialTests(PostgresFixture postgres, ITestOutputHelper output) : IClassFixture<PostgresFixture>
{
    /// <summary>Requests between two comparisons.</summary>
    private const int Stretch = 40;

    /// <summary>One in so many comparisons covers every revision again; the others cover new revisions and a few old
    /// ones.</summary>
    private const int Thorough = 30;

    private const int Old = 10;

    private readonly StoreState _state = new();

    private readonly HashSet<long> _compactions = [];

    private Random _random = new();

    private long _compared;

    [SkippableFact]
    public async Task HashKV_equals_that_of_real_etcd_at_every_revision()
    {
        int seed = DifferentialTests.Seed;
        output.WriteLine($"seed {seed} (TESTED_SEED={seed} repeats the run)");
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        await using PgEtcdServer pgetcd = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        await using Kv one = new(etcd);
        await using Kv two = new(pgetcd);
        (RpcClient reference, RpcClient target) = (new RpcClient(one.Channel), new RpcClient(two.Channel));
        RequestGenerator generator = new(seed, _state);
        _random = new Random(seed);
        HashSet<uint> hashes = [];
        for (int number = 1; number <= DifferentialTests.Requests / 2; number++)
        {
            RandomRequest request = generator.Next();
            RpcAnswer expected = await reference.CallAsync(request.Rpc, RpcCatalogue.ToJson(Finished(request.Message)));
            RpcAnswer actual = await target.CallAsync(request.Rpc, RpcCatalogue.ToJson(request.Message));
            (actual.SameAs(expected) || DifferentialRun.IsOtherOrder(request, expected, actual))
                .ShouldBeTrue($"seed {seed}, request {number}");
            Remember(request.Message, expected);
            if (number % Stretch == 0)
            {
                bool all = number / Stretch % Thorough == 0;
                hashes.UnionWith(await CompareAsync(one, two, all, $"seed {seed}, after request {number}"));
            }
        }

        hashes.UnionWith(await CompareAsync(one, two, all: true, $"seed {seed}, at the end"));

        output.WriteLine($"{hashes.Count} different hashes; revision {_state.Revision}, compacted {_state.Compacted}");
        hashes.Count.ShouldBeGreaterThan(500);
    }

    /// <summary>Makes compactions physical, so that etcd has finished them: meanwhile, 3.4 counts rows awaiting removal if no key is alive.
    /// </summary>
    private static IMessage Finished(IMessage request) =>
        request is CompactionRequest compaction ? new CompactionRequest(compaction) { Physical = true } : request;

    private async Task<List<uint>> CompareAsync(Kv one, Kv two, bool all, string when)
    {
        List<uint> hashes = [];
        await EqualAsync(0);
        // 3.4 refuses the compact revision itself, 3.6 does not; neither answers below it.
        long first = Math.Max(1, _state.Compacted + 1);
        long from = all ? first : Math.Max(first, _compared + 1);
        for (int i = 0; i < Old && first < from; i++)
        {
            await EqualAsync(_random.NextInt64(first, from));
        }

        for (long revision = from; revision <= _state.Revision; revision++)
        {
            hashes.Add(await EqualAsync(revision));
        }

        _compared = _state.Revision;

        (await two.HashKVAsync(Math.Max(1, _state.Compacted))).HashRevision.ShouldBe(Math.Max(1, _state.Compacted));
        foreach (Kv kv in (Kv[])[one, two])
        {
            await Kv.RefusedAsync(() => kv.HashKVAsync(_state.Revision + 1), EtcdErrors.FutureRev);
            // Like 3.6, PgEtcd keeps the hashes of the last compactions and returns them below the compact revision too.
            if (_state.Compacted > 1 && !_compactions.Contains(_state.Compacted - 1))
            {
                await Kv.RefusedAsync(() => kv.HashKVAsync(_state.Compacted - 1), EtcdErrors.Compacted);
            }
        }

        return hashes;

        async Task<uint> EqualAsync(long revision)
        {
            HashKVResponse expected = await one.HashKVAsync(revision);
            HashKVResponse actual = await two.HashKVAsync(revision);
            (actual.Hash, actual.CompactRevision, actual.Header.Revision)
                .ShouldBe((expected.Hash, expected.CompactRevision, expected.Header.Revision), $"HashKV({revision}), {when}");
            actual.HashRevision.ShouldBe(revision == 0 ? _state.Revision : revision); // 3.4 does not return it
            return actual.Hash;
        }
    }

    private void Remember(IMessage request, RpcAnswer answer)
    {
        if ((string?)answer.Response?["header"]?["revision"] is { } revision)
        {
            _state.Revision = long.Parse(revision, CultureInfo.InvariantCulture);
        }

        if (answer.Response is not null && request is CompactionRequest compaction)
        {
            _state.Compacted = compaction.Revision;
            _compactions.Add(compaction.Revision);
        }
    }
}
