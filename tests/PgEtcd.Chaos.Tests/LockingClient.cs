using System.Collections.Concurrent;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Chaos.Tests;

/// <summary>Takes a lock in turns with other clients, and switches to the next frontend when one fails. While it holds the lock it sets a
/// mark in the store, which must be free before, and increments a counter.</summary>
internal sealed class LockingClient : IAsyncDisposable
{
    private const string Name = "guarded";
    private static readonly ByteString Mark = ByteString.CopyFromUtf8("mark");
    private static readonly ByteString Counter = ByteString.CopyFromUtf8("counter");
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly GrpcChannel[] _frontends;
    private int _at;

    public LockingClient(int number, IEnumerable<Uri> frontends)
    {
        _frontends = [.. frontends.Select(frontend => new GrpcChannel(frontend))];
        _at = number % _frontends.Length;
    }

    /// <summary>Takes turns.</summary>
    /// <param name="turns">The number of turns.</param>
    /// <param name="order">Gets the place in the queue of each holder.</param>
    /// <exception cref="InvalidOperationException">Another client held the lock too.</exception>
    public async Task RunAsync(int turns, ConcurrentQueue<long> order)
    {
        for (int turn = 0; turn < turns; turn++)
        {
            // A new lease for each turn, so that a place in the queue belongs to one turn.
            long lease = await AskAsync(frontend => frontend.GrantAsync(600));
            ByteString key = (await AskAsync(frontend => frontend.LockAsync(Name, lease))).Key;
            await EnterAsync(ByteString.CopyFromUtf8($"{lease}"));
            order.Enqueue((await GetAsync(key))!.CreateRevision);
            long count = await GetAsync(Counter) is { } counted ? long.Parse(counted.Value.ToStringUtf8(), provider: null) : 0;
            // Repeated at another frontend, these requests change nothing.
            await AskAsync(frontend => PutAsync(frontend, Counter, $"{count + 1}"));
            await AskAsync(frontend => DeleteAsync(frontend, Mark));
            await AskAsync<UnlockResponse>(frontend => frontend.UnlockAsync(key));
        }
    }

    public async Task<long> CountAsync() => long.Parse((await GetAsync(Counter))!.Value.ToStringUtf8(), provider: null);

    public async ValueTask DisposeAsync()
    {
        foreach (GrpcChannel frontend in _frontends)
        {
            await frontend.DisposeAsync();
        }
    }

    private async Task EnterAsync(ByteString who)
    {
        TxnRequest enter = new()
        {
            Compare = { new Compare { Key = Mark, Target = Compare.Types.CompareTarget.Create, CreateRevision = 0 } },
            Success = { new RequestOp { RequestPut = new PutRequest { Key = Mark, Value = who } } },
            Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Mark } } },
        };
        TxnResponse entered = await AskAsync(frontend => frontend.UnaryAsync<TxnRequest, TxnResponse>("etcdserverpb.KV/Txn", enter));
        if (!entered.Succeeded && entered.Responses[0].ResponseRange.Kvs[0].Value != who) // ours, if an answer was lost
        {
            throw new InvalidOperationException(
                $"{who.ToStringUtf8()} has the lock, and so has {entered.Responses[0].ResponseRange.Kvs[0].Value.ToStringUtf8()}.");
        }
    }

    private async Task<Protocol.Mvccpb.KeyValue?> GetAsync(ByteString key) => (await AskAsync(frontend =>
        frontend.UnaryAsync<RangeRequest, RangeResponse>("etcdserverpb.KV/Range", new RangeRequest { Key = key }))).Kvs.SingleOrDefault();

    private static Task<PutResponse> PutAsync(GrpcChannel frontend, ByteString key, string value) =>
        frontend.UnaryAsync<PutRequest, PutResponse>(
            "etcdserverpb.KV/Put", new PutRequest { Key = key, Value = ByteString.CopyFromUtf8(value) });

    private static Task<DeleteRangeResponse> DeleteAsync(GrpcChannel frontend, ByteString key) =>
        frontend.UnaryAsync<DeleteRangeRequest, DeleteRangeResponse>("etcdserverpb.KV/DeleteRange", new DeleteRangeRequest { Key = key });

    /// <summary>Calls the present frontend, and the others when it fails.</summary>
    private async Task<T> AskAsync<T>(Func<GrpcChannel, Task<T>> ask)
    {
        DateTime deadline = DateTime.UtcNow + Limit;
        while (true)
        {
            try
            {
                return await ask(_frontends[_at]);
            }
            catch (RpcException error) when (
                error.StatusCode is StatusCode.Unavailable or StatusCode.Internal && DateTime.UtcNow < deadline)
            {
                _at = (_at + 1) % _frontends.Length;
                await Task.Delay(20); // as a client waits between attempts to connect
            }
        }
    }
}
