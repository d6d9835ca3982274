using Grpc.Core;

namespace PgEtcd.Protocol;

/// <summary>One of etcd's errors.</summary>
public sealed class EtcdError
{
    internal EtcdError(string name, StatusCode code, string message)
    {
        Name = name;
        Status = new Status(code, message);
    }

    /// <summary>etcd's name for the error, without the prefix <c>ErrGRPC</c>.</summary>
    public string Name { get; }

    /// <summary>The status sent to the client.</summary>
    public Status Status { get; }

    /// <summary>The gRPC code.</summary>
    public StatusCode Code => Status.StatusCode;

    /// <summary>etcd's exact text.</summary>
    public string Message => Status.Detail;

    /// <summary>
    /// Creates an exception to throw. A shared instance would save little, as most of the cost is the unwinding,
    /// and every thread that throws it would write to it (stack trace, data).
    /// </summary>
    public RpcException ToException() => new(Status);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Code} \"{Message}\"";
}
