using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using Shouldly;

namespace PgEtcd.BlackBox.Tests;

/// <summary>KV requests in the form of these tests, over one connection.</summary>
internal sealed class Kv(IEtcdServer server) : IAsyncDisposable
{
    /// <summary>The range end of "all keys from here on".</summary>
    public const string End = "\0";

    public GrpcChannel Channel { get; } = new(server.ClientUrl, singleConnection: true);

    /// <summary>For test classes that keep one and dispose of it asynchronously.</summary>
    public static Kv To(IEtcdServer server) => new(server);

    public static ByteString Bytes(string text) => ByteString.CopyFromUtf8(text);

    public static RangeRequest Range(string key, long revision = 0, string end = "") =>
        new() { Key = Bytes(key), RangeEnd = Bytes(end), Revision = revision };

    public static PutRequest Put(string key, string value = "", long lease = 0) =>
        new() { Key = Bytes(key), Value = Bytes(value), Lease = lease };

    public static DeleteRangeRequest Delete(string key, string end = "") => new() { Key = Bytes(key), RangeEnd = Bytes(end) };

    public static TxnRequest Txn(params RequestOp[] success) => new() { Success = { success } };

    public static RequestOp Op(PutRequest put) => new() { RequestPut = put };

    public static RequestOp Op(RangeRequest range) => new() { RequestRange = range };

    public static RequestOp Op(DeleteRangeRequest delete) => new() { RequestDeleteRange = delete };

    public static RequestOp Op(TxnRequest nested) => new() { RequestTxn = nested };

    public Task<RangeResponse> SendAsync(RangeRequest request, TimeSpan? timeout = null) =>
        Channel.UnaryAsync<RangeRequest, RangeResponse>("etcdserverpb.KV/Range", request, timeout: timeout);

    public Task<PutResponse> SendAsync(PutRequest request, TimeSpan? timeout = null) =>
        Channel.UnaryAsync<PutRequest, PutResponse>("etcdserverpb.KV/Put", request, timeout: timeout);

    public Task<DeleteRangeResponse> SendAsync(DeleteRangeRequest request) =>
        Channel.UnaryAsync<DeleteRangeRequest, DeleteRangeResponse>("etcdserverpb.KV/DeleteRange", request);

    public Task<TxnResponse> SendAsync(TxnRequest request) =>
        Channel.UnaryAsync<TxnRequest, TxnResponse>("etcdserverpb.KV/Txn", request);

    public Task<CompactionResponse> CompactAsync(long revision, bool physical = false, TimeSpan? timeout = null) =>
        Channel.UnaryAsync<CompactionRequest, CompactionResponse>(
            "etcdserverpb.KV/Compact", new CompactionRequest { Revision = revision, Physical = physical }, timeout: timeout);

    /// <summary>Puts and returns the revision.</summary>
    public async Task<long> PutAsync(string key, string value = "") => (await SendAsync(Put(key, value))).Header.Revision;

    /// <summary>Deletes and returns the revision.</summary>
    public async Task<long> DeleteAsync(string key, string end = "") => (await SendAsync(Delete(key, end))).Header.Revision;

    /// <summary>The present revision of the store.</summary>
    public async Task<long> RevisionAsync() => (await SendAsync(Range("none"))).Header.Revision;

    /// <summary>The keys of a range as key=value, at a revision or now.</summary>
    public async Task<string[]> ReadAsync(string key, long revision = 0, string end = "") =>
        [.. (await SendAsync(Range(key, revision, end))).Kvs.Select(kv => $"{kv.Key.ToStringUtf8()}={kv.Value.ToStringUtf8()}")];

    /// <summary>All keys as key=value.</summary>
    public Task<string[]> AllAsync(long revision = 0) => ReadAsync(End, revision, End);

    /// <summary>Expects one of etcd's errors, code and text.</summary>
    public static async Task RefusedAsync(Func<Task> call, EtcdError error) =>
        (await Should.ThrowAsync<RpcException>(call)).Status.ShouldBe(error.Status);

    public ValueTask DisposeAsync() => Channel.DisposeAsync();
}
