using Grpc.Core;
using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;

namespace PgEtcd.Api.Wire;

/// <summary>Ends calls with etcd's errors, also for failures of the floors below (errors.md).</summary>
internal static class ServiceErrors
{
    /// <summary>Ends the call if there is an error.</summary>
    /// <exception cref="RpcException">There is an error.</exception>
    public static void ThrowIfAny(this EtcdError? error)
    {
        if (error is not null)
        {
            throw error.ToException();
        }
    }

    /// <summary>The status for a failure of the database; null for any other exception.</summary>
    /// <remarks>Services need not call this: the end of every call does.</remarks>
    public static RpcException? ToRpc(Exception exception) => exception switch
    {
        StoreUnavailableException => EtcdErrors.Timeout.ToException(),
        AnswerTooLargeException large => ProtoWriter.TooLarge(large.Size),
        LogCutException cut => new RpcException(new Status(StatusCode.DataLoss, $"pgetcd: {cut.Message}")),
        AlarmRaisedException raised => raised.Alarms.HasFlag(AlarmKinds.Corrupt)
            ? EtcdErrors.Corrupt.ToException()
            : EtcdErrors.NoSpace.ToException(),
        VacuumRefusedException refused => new RpcException(
            new Status(StatusCode.FailedPrecondition, $"pgetcd: PostgreSQL would not vacuum all tables: {refused.Message}")),
        _ when DatabaseErrors.IsOutOfSpace(exception) => EtcdErrors.NoSpace.ToException(),
        PostgresException refused => new RpcException(
            new Status(StatusCode.Unknown, $"pgetcd: PostgreSQL refused the request: {refused.MessageText} ({refused.SqlState})")),
        _ => null,
    };
}
