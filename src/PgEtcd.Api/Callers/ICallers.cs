using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Api.Callers;

/// <summary>Identifies the callers of reads.</summary>
internal interface ICallers
{
    /// <summary>A caller without credentials, with the auth state that this frontend knows. The caller is checked if auth is on.</summary>
    Caller Anybody { get; }

    /// <summary>Whether that state may have changed unnoticed, so that the database must be asked.</summary>
    bool IsStale { get; }

    /// <summary>The caller, according to all changes acknowledged before the call. The replica is caught up afterwards.</summary>
    ValueTask<Caller> AdmitFreshAsync(ServerCallContext context);
}
