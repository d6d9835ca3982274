using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Members;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.Cluster (semantics.md §9): the members are the live frontends. A frontend becomes a member by running, not by
/// a request; requests that cannot be granted get etcd's code and an explanation.</summary>
internal sealed class ClusterService(Membership membership, ResponseHeaders headers, RequestLimits limits) : Cluster.ClusterBase
{
    /// <summary>The frontends by id: from the database if linearizable, otherwise as of this frontend's last heartbeat.</summary>
    public override async Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context) => new()
    {
        Header = headers.At(revision: 0),
        Members = { request.Linearizable ? await ListAsync() : membership.Current.Select(ToWire) },
    };

    /// <summary>Refused: a frontend joins by running.</summary>
    public override Task<MemberAddResponse> MemberAdd(MemberAddRequest request, ServerCallContext context) =>
        throw (request.PeerURLs.Count > 0 && request.PeerURLs.All(MemberUrl.IsValid)
            ? Refusal("a frontend joins by itself when it is started on the same database and schema")
            : EtcdErrors.MemberBadURLs.ToException());

    /// <summary>Takes a dead frontend off the list, which otherwise drops it after a minute.</summary>
    public override async Task<MemberRemoveResponse> MemberRemove(MemberRemoveRequest request, ServerCallContext context)
    {
        (bool isKnown, bool isRemoved) = await membership.RemoveDeadAsync((long)request.ID, limits.RequestTimeout);
        if (!isRemoved)
        {
            throw isKnown
                ? Refusal("this frontend is running; stop it, and it leaves the list by itself")
                : EtcdErrors.MemberNotFound.ToException();
        }

        return new MemberRemoveResponse { Header = headers.At(revision: 0), Members = { await ListAsync() } };
    }

    /// <summary>Refused: a frontend announces its own URLs.</summary>
    public override async Task<MemberUpdateResponse> MemberUpdate(MemberUpdateRequest request, ServerCallContext context)
    {
        await FindAsync(request.ID);
        throw Refusal("a frontend's peer URLs are those it was started with (--initial-advertise-peer-urls)");
    }

    /// <summary>Refused: there are no learners.</summary>
    public override async Task<MemberPromoteResponse> MemberPromote(MemberPromoteRequest request, ServerCallContext context)
    {
        await FindAsync(request.ID);
        throw EtcdErrors.MemberNotLearner.ToException();
    }

    private static RpcException Refusal(string sentence) => new(new Status(StatusCode.FailedPrecondition, $"pgetcd: {sentence}"));

    private static Member ToWire(Postgres.Members.Member member) => new()
    {
        ID = (ulong)member.Id,
        Name = member.Name,
        PeerURLs = { member.PeerUrls },
        ClientURLs = { member.ClientUrls },
    };

    private async Task<IEnumerable<Member>> ListAsync() => (await membership.ListAsync(limits.RequestTimeout)).Select(ToWire);

    /// <exception cref="RpcException">No such frontend is alive.</exception>
    private async Task FindAsync(ulong id)
    {
        if (!(await membership.ListAsync(limits.RequestTimeout)).Any(member => (ulong)member.Id == id))
        {
            throw EtcdErrors.MemberNotFound.ToException();
        }
    }
}
