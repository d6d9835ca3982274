using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <content>Snapshot.</content>
public sealed partial class MaintenanceService
{
    /// <summary>The whole store as a file that etcd's tools read.</summary>
    public override async Task Snapshot(SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context) => await snapshots.SendAsync(responseStream, context.CancellationToken);
}
