using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Jobs;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Services;

/// <summary>etcdserverpb.Cluster (semantics.md §9): the members are the frontends that are alive.</summary>
public sealed class ClusterService(Leadership leadership, ResponseHeaders headers, ServerOptions options) : Cluster.ClusterBase
{
    /// <summary>The frontends by id. Linearizable: as the database has them now; else as they were at our last heartbeat.</summary>
    public override Task<MemberListResponse> MemberList(MemberListRequest request, ServerCallContext context) => ServiceErrors.AnswerAsync(async () =>
    {
        IReadOnlyList<Postgres.Member> members = request.Linearizable
            ? await leadership.ListAsync(options.RequestTimeout)
            : leadership.Current;
        MemberListResponse response = new() { Header = headers.At(revision: 0) };
        response.Members.AddRange(members.Select(ToWire));
        return response;
    });

    private static Member ToWire(Postgres.Member member) => new()
    {
        ID = (ulong)member.Id,
        Name = member.Name,
        PeerURLs = { member.PeerUrls },
        ClientURLs = { member.ClientUrls },
    };
}
