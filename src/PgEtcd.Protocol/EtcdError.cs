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

    /// <summary>etcd's name for it, without the <c>ErrGRPC</c> in front.</summary>
    public string Name { get; }

    /// <summary>What goes out on the wire.</summary>
    public Status Status { get; }

    /// <summary>The gRPC code.</summary>
    public StatusCode Code => Status.StatusCode;

    /// <summary>The exact text.</summary>
    public string Message => Status.Detail;

    /// <summary>
    /// A new exception to throw. One shared instance would save little, as the unwinding is what costs,
    /// and would be written to (stack trace, data) by every thread that throws it.
    /// </summary>
    public RpcException ToException() => new(Status);

    /// <inheritdoc/>
    public override string ToString() => $"{Name}: {Code} \"{Message}\"";
}
