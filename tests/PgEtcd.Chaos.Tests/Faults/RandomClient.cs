using PgEtcd.Chaos.Tests.Histories;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;

namespace PgEtcd.Chaos.Tests.Faults;

/// <summary>Reads, puts, deletes and swaps keys shared with other clients, some keys more often than others.</summary>
internal sealed class RandomClient(int number, IEnumerable<Uri> frontends, History history, int seed)
    : RecordingClient($"c{number}", frontends, history, seed)
{
    private readonly Dictionary<string, (string Value, long ModRevision)> _lastSeen = [];

    /// <inheritdoc/>
    public override async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            string key = NextKey();
            await (Random.Next(100) switch
            {
                < 25 => ReadAsync(key),
                < 28 => GetAsync(key, isFromMemory: true),
                < 31 => GetAllAsync(),
                < 32 => GetAllAsync(isFromMemory: true),
                < 60 => PutAsync(key, NextValue()),
                < 70 => DeleteAsync(key),
                < 95 => SwapAsync(key, NextValue()),
                _ => PutTwoAsync(key, NextKey()),
            });
            await Task.Delay(Random.Next(15), CancellationToken.None); // the pace of a client
        }
    }

    private string NextKey() => SharedKeys[Math.Min(Random.Next(SharedKeys.Count), Random.Next(SharedKeys.Count))];

    private async Task ReadAsync(string key)
    {
        if (await GetAsync(key) is { } response)
        {
            See(key, response.Kvs.SingleOrDefault());
        }
    }

    private async Task DeleteAsync(string key) => await AskAsync<DeleteRangeRequest, DeleteRangeResponse>(
        "KV/DeleteRange",
        new DeleteRangeRequest { Key = Utf8(key), PrevKv = true },
        [Reads(key) with { Left = Operation.Absent }],
        response => (response.Header.Revision,
            [Reads(key, Only(response.PrevKvs)) with { Left = response.Deleted == 0 ? null : Operation.Absent }]));

    /// <summary>Puts if the key is as last seen, otherwise reads it.</summary>
    private async Task SwapAsync(string key, string value)
    {
        (string expected, long modRevision) = _lastSeen.GetValueOrDefault(key, (Operation.Absent, 0));
        TxnRequest swap = new()
        {
            Compare = { new Compare { Key = Utf8(key), Target = Compare.Types.CompareTarget.Mod, ModRevision = modRevision } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Utf8(key), Value = Utf8(value) } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Utf8(key) } } },
        };
        TxnResponse? swapped = await AskAsync<TxnRequest, TxnResponse>(
            "KV/Txn",
            swap,
            [Reads(key) with { If = expected, Left = value }],
            response => (response.Header.Revision, [response.Succeeded
                ? Reads(key, expected) with { Left = value }
                : Reads(key, Only(response.Responses[0].ResponseRange.Kvs))]));
        if (swapped is { Succeeded: true })
        {
            _lastSeen[key] = (value, swapped.Header.Revision);
        }
        else if (swapped is not null)
        {
            RecordRefusal(Reads(key) with { Left = value });
            See(key, swapped.Responses[0].ResponseRange.Kvs.SingleOrDefault());
            if (_lastSeen[key].ModRevision == modRevision)
            {
                History.Accuse($"A swap of {key} at {swapped.Header.Revision} failed, and found {expected} of {modRevision} as expected.");
            }
        }
    }

    private async Task PutTwoAsync(string first, string second)
    {
        string[] keys = first == second ? [first] : [first, second];
        (string Key, string Value)[] puts = [.. keys.Select(key => (key, NextValue()))];
        TxnRequest both = new();
        both.Success.AddRange(puts.Select(put =>
            new RequestOp { RequestPut = new PutRequest { Key = Utf8(put.Key), Value = Utf8(put.Value), PrevKv = true } }));
        await AskAsync<TxnRequest, TxnResponse>(
            "KV/Txn",
            both,
            [.. puts.Select(put => Reads(put.Key) with { Left = put.Value })],
            response => (response.Header.Revision, [.. puts.Zip(response.Responses, (put, answer) =>
                Reads(put.Key, Previous(answer.ResponsePut.PrevKv)) with { Left = put.Value })]));
    }

    private void See(string key, KeyValue? found) =>
        _lastSeen[key] = found is null ? (Operation.Absent, 0) : (found.Value.ToStringUtf8(), found.ModRevision);
}
