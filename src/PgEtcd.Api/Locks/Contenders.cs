using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Locks;

/// <summary>The queue before a lock or an election (semantics.md §12). Its order is that of the create revisions, so it is the
/// same on every frontend. Each contender watches the one before it and no other: a thousand wait, and one wakes.</summary>
internal sealed class Contenders(RecipeClient client, WatchHub hub, IHostApplicationLifetime lifetime)
{
    /// <summary>Enters the queue, or finds the place that the lease has in it.</summary>
    /// <param name="contest">Which.</param>
    /// <param name="lease">The client's lease; 0 for a new one.</param>
    /// <param name="value">Of the key, if it is new.</param>
    /// <param name="context">The call.</param>
    internal async Task<Contender> EnterAsync(Contest contest, long lease, ByteString value, ServerCallContext context)
    {
        long session = await client.SessionAsync(lease, context);
        TxnResult entered = await client.TxnAsync(contest.Enter(session, value), context);
        KeyRecord? own = entered.Succeeded ? null : ((RangeResult)entered.Results[0]).Records[0];
        long createRevision = own?.CreateRevision ?? entered.Revision;
        return new Contender(contest, contest.KeyOf(session), createRevision, session)
        {
            Value = own?.ValueMemory ?? value.Memory,
            EnteredAt = entered.Revision,
            IsNew = own is null,
            HasOwnLease = lease != 0,
            IsOldest = ((RangeResult)entered.Results[1]).Records[0].CreateRevision == createRevision,
        };
    }

    /// <summary>Waits until every earlier contender has left.</summary>
    /// <returns>The revision at which that was so.</returns>
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
            // A client with a lease of its own keeps its place, and finds it again at another frontend. Another cannot know it.
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

    /// <summary>Leaves the queue. When that fails, the lease's end will do it.</summary>
    internal async Task LeaveAsync(Contender contender, ServerCallContext context)
    {
        try
        {
            await client.TxnAsync(Contest.Leave(contender.Key, contender.CreateRevision), context);
        }
        catch (RpcException)
        {
            // The caller has a reason of its own to tell.
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

            // The first thing we are told is its delete. Or that this revision was compacted: then we look again.
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

/// <summary>One contender.</summary>
/// <param name="Contest">For what.</param>
/// <param name="Key">Its key.</param>
/// <param name="CreateRevision">Its place in the queue.</param>
/// <param name="Lease">Its lease.</param>
internal sealed record Contender(Contest Contest, ByteString Key, long CreateRevision, long Lease)
{
    /// <summary>Its value when it entered or was found.</summary>
    public required ReadOnlyMemory<byte> Value { get; init; }

    /// <summary>The revision at that moment.</summary>
    public required long EnteredAt { get; init; }

    /// <summary>It entered now, and was not found.</summary>
    public required bool IsNew { get; init; }

    /// <summary>The client brought its own lease.</summary>
    public required bool HasOwnLease { get; init; }

    /// <summary>It was the first in the queue.</summary>
    public required bool IsOldest { get; init; }
}
