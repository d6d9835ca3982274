using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Lockpb;

namespace PgEtcd.Api.Locks;

/// <summary>v3lockpb.Lock: a lock that lasts as long as a lease (semantics.md §12).</summary>
internal sealed class LockService(RecipeClient client, Contenders contenders, ResponseHeaders headers) : Protocol.V3Lockpb.Lock.LockBase
{
    /// <summary>Waits until the lock is held. Requests with the same lease share one place in the queue.</summary>
    public override async Task<LockResponse> Lock(LockRequest request, ServerCallContext context)
    {
        Contender contender = await contenders.EnterAsync(new Contest(request.Name), request.Lease, ByteString.Empty, context);
        long revision = await contenders.WaitAsync(contender, EtcdErrors.SessionExpired, context);
        return new LockResponse { Header = headers.At(revision), Key = contender.Key };
    }

    /// <summary>Releases the lock; no error if it was not held.</summary>
    public override async Task<UnlockResponse> Unlock(UnlockRequest request, ServerCallContext context)
    {
        DeleteRangeResult deleted = await client.DeleteAsync(new DeleteRangeRequest { Key = request.Key }, context);
        return new UnlockResponse { Header = headers.At(deleted.Revision) };
    }
}
