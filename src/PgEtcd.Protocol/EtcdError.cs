using Grpc.Core;

namespace PgEtcd.Protocol;

/// <summary>One of etcd's errors.</summary>
/// <param name="Name">etcd's name for the error, without the prefix <c>ErrGRPC</c>.</param>
/// <param name="Status">The status sent to the client.</param>
public sealed record EtcdError(string Name, Status Status)
{
    /// <summary>The gRPC code.</summary>
    public StatusCode Code => Status.StatusCode;

    /// <summary>etcd's exact text.</summary>
    public string Message => Status.Detail;

    /// <summary>
    /// Creates an exception to throw. A shared instance would save little, as most of the cost is the unwinding,
    /// and every thread that throws it would write to it (stack trace, data).
    /// </summary>
    public RpcException ToException() => new(Status);
}
