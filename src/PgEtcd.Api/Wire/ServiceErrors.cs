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

/// <summary>etcd's errors for those of the floors below (errors.md).</summary>
internal static class ServiceErrors
{
    /// <summary>Ends the call if there is an error.</summary>
    /// <exception cref="RpcException">etcd's, for the error.</exception>
    public static void ThrowIfAny(this KvError error)
    {
        if (error != KvError.None)
        {
            throw error.ToEtcd().ToException();
        }
    }

    public static EtcdError ToEtcd(this KvError error) => error switch
    {
        KvError.EmptyKey => EtcdErrors.EmptyKey,
        KvError.KeyNotFound => EtcdErrors.KeyNotFound,
        KvError.ValueProvided => EtcdErrors.ValueProvided,
        KvError.LeaseProvided => EtcdErrors.LeaseProvided,
        KvError.TooManyOps => EtcdErrors.TooManyOps,
        KvError.DuplicateKey => EtcdErrors.DuplicateKey,
        KvError.InvalidSortOption => EtcdErrors.InvalidSortOption,
        KvError.Compacted => EtcdErrors.Compacted,
        KvError.FutureRevision => EtcdErrors.FutureRev,
        KvError.LeaseNotFound => EtcdErrors.LeaseNotFound,
        KvError.UserEmpty => EtcdErrors.UserEmpty,
        KvError.UserNotFound => EtcdErrors.UserNotFound,
        KvError.PermissionDenied => EtcdErrors.PermissionDenied,
        KvError.AuthOldRevision or KvError.AuthMoved => EtcdErrors.AuthOldRevision,
        KvError.NoSpace => EtcdErrors.NoSpace,
        KvError.Corrupt => EtcdErrors.Corrupt,
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "This error has no place on the wire."),
    };

    /// <summary>The status for a failure of the database; null for any other exception.</summary>
    /// <remarks>Services need not call it: the end of every call does.</remarks>
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
