using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Snapshots;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.Maintenance (semantics.md §10).</summary>
internal sealed class MaintenanceService(
    KeyReader reader,
    Tail tail,
    StoreMaintenance maintenance,
    StorageSizes sizes,
    Quota quota,
    Alarms alarms,
    Membership membership,
    HandOver handOver,
    SnapshotSender snapshots,
    ResponseHeaders headers) : Maintenance.MaintenanceBase
{
    /// <summary>The state of this frontend (design §10). While the database is unavailable, the answer has the last known values and no
    /// leader.</summary>
    public override async Task<StatusResponse> Status(StatusRequest request, ServerCallContext context)
    {
        StorageReport? report = sizes.Latest;
        ulong leader = 0;
        IEnumerable<string> errors = [];
        try
        {
            report = await sizes.MeasureAsync();
            leader = (ulong)(membership.CurrentLeader?.Id ?? 0);
            errors = alarms.Raised == AlarmKinds.None ? [] : (await alarms.ListAsync()).Select(Text);
        }
        catch (Exception exception) when (ServiceErrors.ToRpc(exception) is not null)
        {
            // The answer shows the failure by having no leader.
        }

        long applied = reader.Current.Revision;
        long committed = Math.Max(applied, report?.Revision ?? 0);
        return new StatusResponse
        {
            Header = headers.At(committed),
            Version = ReleaseInfo.EtcdVersion,
            StorageVersion = ReleaseInfo.StorageVersion,
            Leader = leader,
            RaftTerm = headers.Term,
            RaftIndex = (ulong)committed,
            RaftAppliedIndex = (ulong)applied,
            DbSize = report?.Total ?? 0,
            DbSizeInUse = report?.InUse ?? 0,
            DbSizeQuota = quota.Limit,
            Errors = { leader == 0 ? errors.Prepend(EtcdErrors.NoLeader.Message) : errors },
            DowngradeInfo = new DowngradeInfo
            {
                Enabled = report?.DowngradeTarget is not null,
                TargetVersion = report?.DowngradeTarget ?? "",
            },
        };
    }

    /// <summary>Lists, raises or clears alarms.</summary>
    public override async Task<AlarmResponse> Alarm(AlarmRequest request, ServerCallContext context)
    {
        Postgres.Alarms.Alarm alarm = new((long)request.MemberID, (int)request.Alarm);
        IEnumerable<Postgres.Alarms.Alarm> answer = [];
        switch (request.Action)
        {
            case AlarmRequest.Types.AlarmAction.Get:
                answer = (await alarms.ListAsync()).Where(raised => request.Alarm == AlarmType.None || raised.Kind == alarm.Kind);
                break;
            case AlarmRequest.Types.AlarmAction.Activate when request.Alarm != AlarmType.None:
                await alarms.SetAsync(alarm, raised: true);
                answer = [alarm];
                break;
            case AlarmRequest.Types.AlarmAction.Deactivate when await alarms.SetAsync(alarm, raised: false):
                answer = [alarm];
                break;
        }

        return new AlarmResponse { Header = await HeaderAsync(), Alarms = { answer.Select(ToWire) } };
    }

    /// <summary>Vacuums PgEtcd's tables without blocking reads or writes.</summary>
    public override async Task<DefragmentResponse> Defragment(DefragmentRequest request, ServerCallContext context)
    {
        await maintenance.DefragmentAsync(context.CancellationToken);
        return new DefragmentResponse();
    }

    /// <summary>A hash of all stored data. Equal on all frontends, but not comparable with a real etcd's.</summary>
    public override async Task<HashResponse> Hash(HashRequest request, ServerCallContext context)
    {
        HashedKeys hashed = await maintenance.HashAllAsync(context.CancellationToken);
        return new HashResponse { Header = headers.At(hashed.Revision), Hash = hashed.Hash };
    }

    /// <summary>The hash of the keys up to a revision, equal to that of a real etcd with the same history.</summary>
    public override async Task<HashKVResponse> HashKV(HashKVRequest request, ServerCallContext context)
    {
        HashedKeys hashed = await maintenance.HashKeysAsync(request.Revision, context.CancellationToken);
        hashed.Error.ToEtcd().ThrowIfAny();
        return new HashKVResponse
        {
            Header = headers.At(hashed.Revision),
            Hash = hashed.Hash,
            CompactRevision = hashed.CompactRevision,
            HashRevision = hashed.HashRevision,
        };
    }

    /// <summary>The whole store as a file that etcd's tools read.</summary>
    public override Task Snapshot(
        SnapshotRequest request, IServerStreamWriter<SnapshotResponse> responseStream, ServerCallContext context) =>
        snapshots.SendAsync(responseStream, context.CancellationToken);

    /// <summary>Hands the leadership, and with it the jobs, to another frontend.</summary>
    public override async Task<MoveLeaderResponse> MoveLeader(MoveLeaderRequest request, ServerCallContext context) =>
        await handOver.ToAsync((long)request.TargetID) switch
        {
            HandOverOutcome.Done => new MoveLeaderResponse(),
            HandOverOutcome.NotLeader => throw EtcdErrors.NotLeader.ToException(),
            HandOverOutcome.NoSuchMember => throw EtcdErrors.BadLeaderTransferee.ToException(),
            _ => throw EtcdErrors.TransferTimeout.ToException(),
        };

    /// <summary>Checks, announces or cancels a downgrade, as a cluster whose members all have this version. Every frontend's Status
    /// shows the announced target; the data needs no change.</summary>
    public override async Task<DowngradeResponse> Downgrade(DowngradeRequest request, ServerCallContext context)
    {
        switch (request.Action)
        {
            case DowngradeRequest.Types.DowngradeAction.Validate:
                DowngradeTarget.Check(request.Version);
                Demand(!await maintenance.IsDowngradingAsync());
                break;
            case DowngradeRequest.Types.DowngradeAction.Enable:
                Demand(await maintenance.EnableDowngradeAsync(DowngradeTarget.Check(request.Version)));
                break;
            case DowngradeRequest.Types.DowngradeAction.Cancel:
                await maintenance.CancelDowngradeAsync();
                break;
            default:
                throw EtcdErrors.UnknownMethod.ToException();
        }

        return new DowngradeResponse { Header = await HeaderAsync(), Version = ReleaseInfo.ClusterVersion };

        static void Demand(bool isFree)
        {
            if (!isFree)
            {
                throw EtcdErrors.DowngradeInProcess.ToException();
            }
        }
    }

    /// <summary>The header for a call that used tables other than the log. Its revision includes every write that any frontend
    /// acknowledged before the call.</summary>
    private async Task<ResponseHeader> HeaderAsync()
    {
        await tail.CatchUpAsync();
        return headers.At(reader.Current.Revision);
    }

    private static AlarmMember ToWire(Postgres.Alarms.Alarm alarm) =>
        new() { MemberID = (ulong)alarm.MemberId, Alarm = (AlarmType)alarm.Kind };

    /// <summary>An alarm as etcd lists it in the errors of Status: the message in protobuf's text format, with its trailing
    /// space.</summary>
    private static string Text(Postgres.Alarms.Alarm alarm)
    {
        string member = alarm.MemberId == 0 ? "" : $"memberID:{(ulong)alarm.MemberId} ";
        return $"{member}alarm:{((AlarmType)alarm.Kind).ToString().ToUpperInvariant()} ";
    }
}
