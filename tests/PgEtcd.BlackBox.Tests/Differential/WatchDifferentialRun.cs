using System.Globalization;
using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit.Abstractions;
using Filter = PgEtcd.Protocol.Etcdserverpb.WatchCreateRequest.Types.FilterType;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>Watches come and go on two servers while the same data is written to both. Servers may group replayed events differently,
/// and show more or less of a cancelled watch; the events of each watch must otherwise be the same.</summary>
internal sealed class WatchDifferentialRun(WatchSide reference, WatchSide target, int seed, ITestOutputHelper output)
{
    private static readonly string[] Keys = ["a", "a/1", "a/2", "b", "b/1", "c"];

    private readonly Random _random = new(seed);
    private readonly Dictionary<long, (int Stream, WatchCreateRequest Watch)> _live = [];
    private readonly List<long> _all = [];
    private readonly List<long> _compactedWatches = [];
    private long _revision = 1;
    private long _compacted;

    public async Task RunAsync(int steps)
    {
        output.WriteLine($"seed {seed} (TESTED_SEED={seed} repeats the run)");
        for (int step = 0; step < steps; step++)
        {
            await (_random.Next(100) switch
            {
                < 60 => WriteAsync(),
                < 85 => CreateAsync(),
                < 90 => RefuseAsync(),
                < 98 => CancelAsync(),
                _ => CompactAsync(),
            });
        }

        await SettleAsync();
        Compare();
    }

    private async Task WriteAsync()
    {
        int first = _random.Next(Keys.Length);
        int count = _random.Next(3) == 0 ? _random.Next(1, Keys.Length) : 1;
        await TxnAsync(Enumerable.Range(first, count).Select(key => Keys[key % Keys.Length]).Select(key => _random.Next(10) switch
        {
            < 6 => Kv.Op(Kv.Put(key, $"{_random.Next(1000)}")),
            6 => Kv.Op(Kv.Txn(Kv.Op(Kv.Put(key, "nested")))),
            _ => Kv.Op(Kv.Delete(key)),
        }));
    }

    private async Task TxnAsync(IEnumerable<RequestOp> operations)
    {
        TxnRequest request = Kv.Txn([.. operations]);
        Task<TxnResponse> expected = reference.Kv.SendAsync(request);
        TxnResponse actual = await target.Kv.SendAsync(request);
        _revision = (await expected).Header.Revision;
        actual.Header.Revision.ShouldBe(_revision);
    }

    private async Task CreateAsync()
    {
        WatchCreateRequest watch = Range();
        watch.WatchId = _all.Count + 1;
        watch.PrevKv = _random.Next(2) == 0;
        watch.Fragment = _random.Next(4) == 0;
        watch.ProgressNotify = _random.Next(4) == 0;
        if (_random.Next(4) == 0)
        {
            watch.Filters.Add(_random.Next(2) == 0 ? Filter.Noput : Filter.Nodelete);
        }

        watch.StartRevision = _random.Next(4) switch
        {
            0 => 0,
            1 => _revision + _random.Next(1, 20),
            _ => _random.NextInt64(1, _revision + 1),
        };
        if (watch.StartRevision == _compacted)
        {
            watch.StartRevision++; // 3.4 drops deletes at exactly this revision
        }

        int stream = _random.Next(WatchSide.Streams);
        _all.Add(watch.WatchId);
        if (watch.StartRevision == 0 || watch.StartRevision > _compacted)
        {
            _live.Add(watch.WatchId, (stream, watch));
        }
        else
        {
            _compactedWatches.Add(watch.WatchId);
        }

        await BothAsync(side => side.CreateAsync(stream, watch));
        if (watch.StartRevision == 0)
        {
            // The watch begins at its creation, so nothing may be written before that.
            await BothAsync(side => side.UntilAsync(() => side[watch.WatchId].IsCreated, $"watch {watch.WatchId} is created"));
        }
    }

    /// <summary>An id in use, or an empty range.</summary>
    private async Task RefuseAsync()
    {
        if (_live.Count == 0)
        {
            return;
        }

        (long id, (int stream, WatchCreateRequest watch)) = Any();
        WatchCreateRequest refused = _random.Next(2) == 0
            ? new WatchCreateRequest { WatchId = id, Key = watch.Key }
            : new WatchCreateRequest { Key = Kv.Bytes("b"), RangeEnd = Kv.Bytes("a") };
        await BothAsync(side => side.CreateAsync(stream, refused));
    }

    private async Task CancelAsync()
    {
        if (_live.Count > 0)
        {
            (long id, (int stream, _)) = Any();
            _live.Remove(id);
            await BothAsync(side => side.CancelAsync(stream, id));
        }
    }

    private async Task CompactAsync()
    {
        await SettleAsync();
        _compacted = _random.NextInt64(Math.Max(_compacted, _revision - 60) + 1, _revision + 1);
        await BothAsync(side => side.Kv.CompactAsync(_compacted));
    }

    /// <summary>Waits until every watch has seen all events: each range has one of the keys, and each filter passes one of the two last
    /// changes.</summary>
    private async Task SettleAsync()
    {
        await TxnAsync(Keys.Select(key => Kv.Op(Kv.Put(key, "last"))));
        await TxnAsync(Keys.Select(key => Kv.Op(Kv.Delete(key))));
        foreach (long id in _compactedWatches)
        {
            await BothAsync(side => side.UntilAsync(() => side[id].End is not null, $"watch {id} is told of the compaction"));
        }

        foreach ((long id, (_, WatchCreateRequest watch)) in _live)
        {
            long last = watch.Filters.Contains(Filter.Nodelete) ? _revision - 1 : _revision;
            if (watch.StartRevision <= last)
            {
                await BothAsync(side => side.UntilAsync(
                    () => side[id].Record.Next > last, $"watch {id}, {watch}, shows revision {last}; {side[id].End}"));
            }
        }
    }

    private void Compare()
    {
        int events = 0;
        foreach (long id in _all)
        {
            List<WatchedEvent> expected = reference[id].Record.Events;
            List<WatchedEvent> actual = target[id].Record.Events;
            if (_live.ContainsKey(id) || reference[id].End != "cancelled")
            {
                target[id].End.ShouldBe(reference[id].End, $"seed {seed}, watch {id}");
            }
            else
            {
                int both = Math.Min(expected.Count, actual.Count);
                (expected, actual) = (expected[..both], actual[..both]);
            }

            WatchedEvent.Difference(expected, actual).ShouldBeNull($"seed {seed}, watch {id}");
            events += actual.Count;
        }

        for (int stream = 0; stream < WatchSide.Streams; stream++)
        {
            target.Refused(stream).ShouldBe(reference.Refused(stream), $"seed {seed}, stream {stream}");
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{_all.Count} watches, {events} events; revision {_revision}, compacted {_compacted}"));
    }

    private WatchCreateRequest Range()
    {
        int from = _random.Next(Keys.Length);
        ByteString key = Kv.Bytes(Keys[from]);
        return _random.Next(6) switch
        {
            0 => WatchCall.All(),
            1 => WatchCall.Prefix(_random.Next(2) == 0 ? "a/" : "b"),
            2 => new WatchCreateRequest { Key = key, RangeEnd = WatchCall.End },
            3 when from < Keys.Length - 1 => new WatchCreateRequest
            {
                Key = key,
                RangeEnd = Kv.Bytes(
                Keys[_random.Next(from + 1, Keys.Length)])
            },
            _ => new WatchCreateRequest { Key = key },
        };
    }

    private KeyValuePair<long, (int Stream, WatchCreateRequest Watch)> Any() => _live.ElementAt(_random.Next(_live.Count));

    private Task BothAsync(Func<WatchSide, Task> act) => Task.WhenAll(act(reference), act(target));
}
