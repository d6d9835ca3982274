using Grpc.Core;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api.Calls;

/// <summary>What goes around the calls of a server, besides the services themselves.</summary>
public sealed record CallSettings
{
    /// <summary>Largest request message in bytes, also after decompression.</summary>
    public int MaxMessageSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>Put around each handler when it is bound, the outermost first.</summary>
    public IReadOnlyList<ICallWrapper> Wrappers { get; init; } = [];

    /// <summary>Told of each call with one request and one response.</summary>
    public ICallObserver? Unary { get; init; }

    /// <summary>Gives the status for an exception of a service or wrapper; null when it is not a known failure.</summary>
    public Func<Exception, RpcException?> Translate { get; init; } = static _ => null;

    /// <summary>What is counted.</summary>
    public GrpcMetricsOptions Metrics { get; init; } = new();
}
