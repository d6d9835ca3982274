using Grpc.Core;
using PgEtcd.Frontend.Permissions;

namespace PgEtcd.Api.Callers;

/// <summary>The callers of reads.</summary>
internal interface ICallers
{
    /// <summary>A caller without credentials, by the auth state this frontend knows. It is checked when auth is on.</summary>
    Caller Anybody { get; }

    /// <summary>Whether that state may have changed without this frontend's notice: then the database must be asked.</summary>
    bool IsStale { get; }

    /// <summary>The caller, by everything that was acknowledged before the call. The replica is caught up afterwards.</summary>
    ValueTask<Caller> AdmitFreshAsync(ServerCallContext context);
}
