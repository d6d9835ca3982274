using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Electionpb;

namespace PgEtcd.Server.Services;

// Mapped from the start, so that clients are told Unimplemented by name and not that the service is unknown.

internal sealed class MaintenanceService : Maintenance.MaintenanceBase;

internal sealed class LockService : Protocol.V3Lockpb.Lock.LockBase;

internal sealed class ElectionService : Election.ElectionBase;
