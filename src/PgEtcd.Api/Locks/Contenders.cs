using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Locks;

/// <summary>The queue for a lock or an election (semantics.md §12), in the order of create revisions, which is the same on every
/// frontend. Each contender watches only its predecessor: of a thousand that wait, one wakes.</summary>
internal sealed class Contenders(RecipeClient client, WatchHub hub, IHostApplicationLifetime lifetime)
{
    /// <summary>Enters the queue, or finds the lease's place in it.</summary>
    /// <param name="contest">The lock or election.</param>
    /// <param name="lease">The client's lease; 0 for a new one.</param>
    /// <param name="value">The value of a new key.</param>
    /// <param name="context">The call.</param>
    internal async Task<Contender> EnterAsync(Contest contest, long lease, ByteString value, ServerCallContext context)
    {
        long session = await client.SessionAsync(lease, context);
        TxnResult entered = await client.TxnAsync(contest.Enter(session, value), context);
        KeyRecord? own = entered.Succeeded ? null : ((RangeResult)entered.Results[0]).Records[0];
        long createRevision = own?.CreateRevision ?? entered.Revision;
        return new Contender(
            contest, contest.KeyOf(session), createRevision, session, own?.ValueMemory ?? value.Memory, entered.Revision,
            IsNew: own is null,
            HasOwnLease: lease != 0,
            IsOldest: ((RangeResult)entered.Results[1]).Records[0].CreateRevision == createRevision);
    }

    /// <summary>Waits until every earlier contender has left.</summary>
    /// <returns>A revision at which every earlier contender had left.</returns>
    /// <exception cref="RpcException">The contender's key is gone, or the server stops.</exception>
    /// <exception cref="OperationCanceledException">The client has gone; the contender has left the queue.</exception>
    internal async Task<long> WaitAsync(Contender contender, EtcdError isGone, ServerCallContext context)
    {
        if (contender.IsOldest && !(contender.IsNew && context.CancellationToken.IsCancellationRequested))
        {
            return contender.EnteredAt;
        }

        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await TurnAsync(contender, context, ended.Token);
            RangeResult own = await client.RangeAsync(new RangeRequest { Key = contender.Key }, context);
            return own.Records is [KeyRecord record] && record.CreateRevision == contender.CreateRevision
                ? own.Revision
                : throw isGone.ToException();
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            // A client with its own lease keeps its place and finds it again at another frontend; any other client could not.
            if (!contender.HasOwnLease)
            {
                await LeaveAsync(contender, context);
            }

            throw EtcdErrors.Stopped.ToException();
        }
        catch
        {
            await LeaveAsync(contender, context);
            throw;
        }
    }

    /// <summary>Leaves the queue. If that fails, the key goes when its lease ends.</summary>
    internal async Task LeaveAsync(Contender contender, ServerCallContext context)
    {
        try
        {
            await client.TxnAsync(Contest.Leave(contender.Key, contender.CreateRevision), context);
        }
        catch (RpcException)
        {
            // The caller reports its own error.
        }
    }

    private async Task TurnAsync(Contender contender, ServerCallContext context, CancellationToken ended)
    {
        while (true)
        {
            ended.ThrowIfCancellationRequested();
            RangeResult before = await client.RangeAsync(contender.Contest.LastBefore(contender.CreateRevision), context);
            if (before.Records is not [KeyRecord last])
            {
                return;
            }

            // The first update is the delete, or says that the revision was compacted. Either way the loop looks again.
            WatchTarget delete = new(
                new KeyRange(last.KeyMemory, default), before.Revision + 1,
                NoPut: true, NoDelete: false, PreviousValue: false, ProgressNotify: false, Fragment: false);
            await foreach (WatchUpdate _ in hub.WatchAsync(delete, ended))
            {
                break;
            }
        }
    }
}

/// <summary>A place in the queue.</summary>
/// <param name="Contest">The lock or election.</param>
/// <param name="Key">The contender's key.</param>
/// <param name="CreateRevision">The key's create revision, which orders the queue.</param>
/// <param name="Lease">The key's lease.</param>
/// <param name="Value">The key's value when the contender entered or was found.</param>
/// <param name="EnteredAt">The revision when the contender entered or was found.</param>
/// <param name="IsNew">Whether the contender entered and was not found.</param>
/// <param name="HasOwnLease">Whether the client brought its own lease.</param>
/// <param name="IsOldest">Whether the contender was the first in the queue.</param>
internal sealed record Contender(
    Contest Contest, ByteString Key, long CreateRevision, long Lease, ReadOnlyMemory<byte> Value, long EnteredAt, bool IsNew,
    bool HasOwnLease, bool IsOldest);
