using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <content>Snapshot.</content>
public sealed partial class MaintenanceService
{
    /// <summary>The whole store as a file that etcd's tools read.</summary>
    public override async Task Snapshot(SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context)
    {
        try
        {
            await snapshots.SendAsync(responseStream, context.CancellationToken);
        }
        catch (Exception exception) when (ServiceErrors.ToRpc(exception) is { } error)
        {
            throw error;
        }
    }
}
