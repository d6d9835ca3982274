using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.Lease (semantics.md §8).</summary>
internal sealed class LeaseService(
    LeaseStore leases,
    KeyReader reader,
    Quota quota,
    Admission admission,
    ResponseHeaders headers,
    RequestLimits limits,
    IHostApplicationLifetime lifetime) : Lease.LeaseBase
{
    /// <summary>In seconds, as in etcd.</summary>
    private const long MaxTtl = 9_000_000_000;

    /// <summary>Grants a lease; a TTL below the minimum is raised to it.</summary>
    public override async Task<LeaseGrantResponse> LeaseGrant(LeaseGrantRequest request, ServerCallContext context)
    {
        using Quota.Room room = await quota.ReserveAsync(WriteCost.OfLease) ?? throw EtcdErrors.NoSpace.ToException();
        await admission.AdmitUserAsync(context);
        if (request.TTL > MaxTtl)
        {
            throw EtcdErrors.LeaseTTLTooLarge.ToException();
        }

        long ttl = Math.Max(request.TTL, limits.MinLeaseTtlSeconds);
        LeaseStore.Granted granted = await leases.GrantAsync(request.ID, ttl) ?? throw EtcdErrors.LeaseExist.ToException();
        return new LeaseGrantResponse { Header = headers.At(granted.Revision), ID = granted.Id, TTL = ttl };
    }

    /// <summary>Revokes a lease and deletes its keys.</summary>
    public override async Task<LeaseRevokeResponse> LeaseRevoke(LeaseRevokeRequest request, ServerCallContext context)
    {
        WriteAnswer answer = await admission.WriteAsync(
            (leases, request.ID), context, static (revoke, origin) => revoke.leases.RevokeAsync(revoke.ID, origin));
        answer.Error.ThrowIfAny();
        return new LeaseRevokeResponse { Header = headers.At(answer.Result!.Revision) };
    }

    /// <summary>Renews leases as long as the client asks. An unknown lease gets TTL 0, not an error.</summary>
    public override Task LeaseKeepAlive(
        IAsyncStreamReader<LeaseKeepAliveRequest> requestStream,
        IServerStreamWriter<LeaseKeepAliveResponse> responseStream,
        ServerCallContext context) =>
        new KeepAliveStream(id => KeepAliveAsync(id, context), headers).RunAsync(
            requestStream, responseStream, context.CancellationToken, lifetime.ApplicationStopping);

    /// <summary>The remaining TTL of a lease. An unknown lease gets TTL -1, not an error.</summary>
    public override async Task<LeaseTimeToLiveResponse> LeaseTimeToLive(LeaseTimeToLiveRequest request, ServerCallContext context)
    {
        LeaseStore.LeaseInfo info = await admission.ReadAsync((leases, request), context, static async (read, caller) =>
        {
            caller.CheckUser().ThrowIfAny();
            LeaseStore.LeaseInfo found = await read.leases.FindAsync(read.request.ID, read.request.Keys);
            Access.CheckReadOf(caller, found.Keys).ThrowIfAny();
            return found;
        });
        return new LeaseTimeToLiveResponse
        {
            Header = headers.At(reader.Current.Revision),
            ID = request.ID,
            TTL = info.Lease?.Remaining ?? -1,
            GrantedTTL = info.Lease?.Ttl ?? 0,
            Keys = { info.Keys.Select(key => UnsafeByteOperations.UnsafeWrap(key)) },
        };
    }

    /// <summary>All leases, the soonest to expire first.</summary>
    public override async Task<LeaseLeasesResponse> LeaseLeases(LeaseLeasesRequest request, ServerCallContext context)
    {
        IReadOnlyList<long> ids = await admission.ReadAsync(leases, context, static async (read, caller) =>
        {
            caller.CheckUser().ThrowIfAny();
            IReadOnlyList<long> all = await read.ListAsync();
            if (caller.IsChecked)
            {
                Access.CheckReadOf(caller, all.SelectMany(read.AttachedTo)).ThrowIfAny();
            }

            return all;
        });
        return new LeaseLeasesResponse
        {
            Header = headers.At(reader.Current.Revision),
            Leases = { ids.Select(id => new LeaseStatus { ID = id }) },
        };
    }

    private Task<Renewal> KeepAliveAsync(long id, ServerCallContext context) =>
        admission.MayBeOn ? KeepAliveAsCallerAsync(id, context) : leases.RenewAsync(id);

    private async Task<Renewal> KeepAliveAsCallerAsync(long id, ServerCallContext context)
    {
        Caller caller = await admission.AdmitUserAsync(context);
        if (caller.IsChecked)
        {
            Access.CheckWriteOf(caller, leases.AttachedTo(id)).ThrowIfAny();
        }

        return await leases.RenewAsync(id);
    }
}
