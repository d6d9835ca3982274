using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Mvccpb;
using PgEtcd.Protocol.V3Electionpb;

namespace PgEtcd.Api.Locks;

/// <summary>v3electionpb.Election: one leader at a time, for as long as its lease lasts (semantics.md §12).</summary>
internal sealed class ElectionService(
    RecipeClient client, Contenders contenders, LeaderChanges changes, ResponseHeaders headers, IHostApplicationLifetime lifetime)
    : Election.ElectionBase
{
    /// <summary>Waits until elected. A campaign under way with the same lease gets the new value.</summary>
    public override async Task<CampaignResponse> Campaign(CampaignRequest request, ServerCallContext context)
    {
        Contender contender = await contenders.EnterAsync(new Contest(request.Name), request.Lease, request.Value, context);
        if (!contender.Value.Span.SequenceEqual(request.Value.Span))
        {
            try
            {
                await ProclaimAsync(Contest.Proclaim(contender.Key, contender.CreateRevision, request.Value, contender.Lease), context);
            }
            catch (RpcException)
            {
                await contenders.LeaveAsync(contender, context);
                throw;
            }
        }

        await contenders.WaitAsync(contender, EtcdErrors.ElectionNotLeader, context);
        return new CampaignResponse
        {
            Header = headers.At(contender.EnteredAt), // as in etcd, not the revision of winning
            Leader = new LeaderKey { Name = request.Name, Key = contender.Key, Rev = contender.CreateRevision, Lease = contender.Lease },
        };
    }

    /// <summary>Changes the leader's value.</summary>
    public override async Task<ProclaimResponse> Proclaim(ProclaimRequest request, ServerCallContext context)
    {
        LeaderKey leader = request.Leader ?? throw EtcdErrors.ElectionLeaderMissing.ToException();
        long lease = await client.SessionAsync(leader.Lease, context);
        long revision = await ProclaimAsync(Contest.Proclaim(leader.Key, leader.Rev, request.Value, lease), context);
        return new ProclaimResponse { Header = headers.At(revision) };
    }

    /// <summary>Reads the current leader.</summary>
    public override async Task<LeaderResponse> Leader(LeaderRequest request, ServerCallContext context)
    {
        RangeResult oldest = await client.RangeAsync(new Contest(request.Name).Oldest, context);
        return oldest.Records is [KeyRecord leader]
            ? Response(oldest.Revision, leader)
            : throw EtcdErrors.ElectionNoLeader.ToException();
    }

    /// <summary>Sends the current leader and each later one, until the client leaves.</summary>
    public override async Task Observe(LeaderRequest request, IServerStreamWriter<LeaderResponse> responseStream, ServerCallContext context)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        try
        {
            await foreach ((long revision, KeyRecord leader) in changes.ReadAsync(new Contest(request.Name), context, ended.Token))
            {
                await responseStream.WriteAsync(Response(revision, leader), ended.Token);
            }
        }
        catch (OperationCanceledException) when (lifetime.ApplicationStopping.IsCancellationRequested)
        {
            throw EtcdErrors.Stopped.ToException();
        }
    }

    /// <summary>Gives up the leadership or the candidacy; no error if it is already gone.</summary>
    public override async Task<ResignResponse> Resign(ResignRequest request, ServerCallContext context)
    {
        LeaderKey leader = request.Leader ?? throw EtcdErrors.ElectionLeaderMissing.ToException();
        TxnResult resigned = await client.TxnAsync(Contest.Leave(leader.Key, leader.Rev), context);
        return new ResignResponse { Header = headers.At(resigned.Revision) };
    }

    private async Task<long> ProclaimAsync(Protocol.Etcdserverpb.TxnRequest proclamation, ServerCallContext context)
    {
        TxnResult proclaimed = await client.TxnAsync(proclamation, context);
        return proclaimed.Succeeded ? proclaimed.Revision : throw EtcdErrors.ElectionNotLeader.ToException();
    }

    private LeaderResponse Response(long revision, KeyRecord leader) =>
        new() { Header = headers.At(revision), Kv = KeyValue.Parser.ParseFrom(leader.Encoded.Span) };
}
