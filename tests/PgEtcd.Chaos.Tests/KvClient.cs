using Google.Protobuf;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Chaos.Tests;

/// <summary>The few KV requests of these tests, to one frontend.</summary>
internal sealed class KvClient(Uri address) : IAsyncDisposable
{
    private readonly GrpcChannel _channel = new(address);

    public KvClient(PgEtcdServer frontend)
        : this(frontend.ClientUrl)
    {
    }

    public Task<PutResponse> PutAsync(string key, string value, TimeSpan? timeout = null) =>
        _channel.UnaryAsync<PutRequest, PutResponse>(
            "etcdserverpb.KV/Put", new PutRequest { Key = Utf8(key), Value = Utf8(value) }, timeout: timeout);

    public Task<RangeResponse> GetAsync(string key, bool serializable = false, long revision = 0, TimeSpan? timeout = null) =>
        _channel.UnaryAsync<RangeRequest, RangeResponse>(
            "etcdserverpb.KV/Range", new RangeRequest { Key = Utf8(key), Serializable = serializable, Revision = revision },
            timeout: timeout);

    public Task<DeleteRangeResponse> DeleteAsync(string key) => _channel.UnaryAsync<DeleteRangeRequest, DeleteRangeResponse>(
        "etcdserverpb.KV/DeleteRange", new DeleteRangeRequest { Key = Utf8(key) });

    /// <summary>All keys.</summary>
    public Task<RangeResponse> AllAsync(bool serializable = false) => _channel.UnaryAsync<RangeRequest, RangeResponse>(
        "etcdserverpb.KV/Range", new RangeRequest { Key = Utf8("\0"), RangeEnd = Utf8("\0"), Serializable = serializable });

    /// <summary>Puts if the key is still at a revision; 0: if the key does not exist.</summary>
    public Task<TxnResponse> CompareAndPutAsync(string key, long modRevision, string value) => TxnAsync(new TxnRequest
    {
        Compare = { new Compare { Key = Utf8(key), Target = Compare.Types.CompareTarget.Mod, ModRevision = modRevision } },
        Success = { new RequestOp { RequestPut = new PutRequest { Key = Utf8(key), Value = Utf8(value) } } },
        Failure = { new RequestOp { RequestRange = new RangeRequest { Key = Utf8(key) } } },
    });

    public Task<TxnResponse> TxnAsync(TxnRequest request) =>
        _channel.UnaryAsync<TxnRequest, TxnResponse>("etcdserverpb.KV/Txn", request);

    public Task<CompactionResponse> CompactAsync(long revision) => _channel.UnaryAsync<CompactionRequest, CompactionResponse>(
        "etcdserverpb.KV/Compact", new CompactionRequest { Revision = revision });

    public ValueTask DisposeAsync() => _channel.DisposeAsync();

    private static ByteString Utf8(string text) => ByteString.CopyFromUtf8(text);
}
