namespace PgEtcd.Testing;

/// <summary>A running server that speaks etcd: a real one or ours.</summary>
public interface IEtcdServer : IAsyncDisposable
{
    /// <summary>For messages: "etcd", "pgetcd".</summary>
    string Kind { get; }

    /// <summary>Where gRPC and the gateway are, for instance <c>http://127.0.0.1:2379</c>.</summary>
    Uri ClientUrl { get; }

    /// <summary>What it wrote lately, for messages.</summary>
    string Output { get; }
}
