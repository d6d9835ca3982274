using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Services;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Locks;

/// <summary>Requests of locks and elections to their own server. As in etcd, they are clients that act for their caller: all checks of
/// the services apply, and every error goes out as Unknown (errors.md §2.3).</summary>
internal sealed class RecipeClient(KvService kv, LeaseService leases)
{
    /// <summary>TTL in seconds of a lease that the server grants. Only the client keeps it alive.</summary>
    private const long SessionTtl = 60;

    /// <summary>The lease to contend with: the client's, or a new one.</summary>
    public async Task<long> SessionAsync(long lease, ServerCallContext context) =>
        lease != 0 ? lease : (await AskAsync(() => leases.LeaseGrant(new LeaseGrantRequest { TTL = SessionTtl }, context))).ID;

    public async Task<RangeResult> RangeAsync(RangeRequest request, ServerCallContext context) =>
        (RangeResult)(await AskAsync(() => kv.Range(request, context))).Result;

    public async Task<TxnResult> TxnAsync(TxnRequest request, ServerCallContext context) =>
        (TxnResult)(await AskAsync(() => kv.Txn(request, context))).Result;

    public async Task<DeleteRangeResult> DeleteAsync(DeleteRangeRequest request, ServerCallContext context) =>
        (DeleteRangeResult)(await AskAsync(() => kv.DeleteRange(request, context))).Result;

    internal static async Task<T> AskAsync<T>(Func<Task<T>> ask)
    {
        try
        {
            return await ask();
        }
        catch (Exception exception) when (Endings.Translated(exception) is RpcException said)
        {
            throw new RpcException(EtcdErrors.SeenByRecipe(said.Status));
        }
    }
}
