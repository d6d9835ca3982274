namespace PgEtcd.Testing;

/// <summary>A running etcd or PgEtcd.</summary>
public interface IEtcdServer : IAsyncDisposable
{
    /// <summary>The name for messages: "etcd", "pgetcd".</summary>
    string Kind { get; }

    /// <summary>The address of gRPC and the gateway, for instance <c>http://127.0.0.1:2379</c>.</summary>
    Uri ClientUrl { get; }

    /// <summary>The last lines of its output, for messages.</summary>
    string Output { get; }
}
