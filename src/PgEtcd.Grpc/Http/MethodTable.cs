using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using PgEtcd.Grpc.Metrics;

namespace PgEtcd.Grpc.Http;

/// <summary>All methods by path. Looked up once a call, so it is a table and not endpoint routing.</summary>
internal sealed class MethodTable : IDisposable
{
    private readonly ConcurrentDictionary<string, MethodHandler> _methods = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, bool> _services = new(StringComparer.Ordinal);

    public MethodTable(IOptions<GrpcServiceOptions> options, ILoggerFactory loggers, GrpcMetricsOptions? metrics = null)
    {
        MaxReceiveMessageSize = options.Value.MaxReceiveMessageSize ?? int.MaxValue;
        Logger = loggers.CreateLogger("PgEtcd.Grpc");
        Metrics = metrics ?? new GrpcMetricsOptions();
        Clients = Metrics.Clients is { } header ? new CallsByHeader(Meter, header) : null;
    }

    /// <summary>Limit of a request message in bytes.</summary>
    public int MaxReceiveMessageSize { get; }

    /// <summary>Where failures of services are written.</summary>
    public ILogger Logger { get; }

    /// <summary>Where the methods make their counters; a host has its own.</summary>
    public Meter Meter { get; } = new(GrpcMetricsOptions.MeterName);

    /// <summary>Which counters.</summary>
    public GrpcMetricsOptions Metrics { get; }

    /// <summary>Counts calls by their clients, if that is wanted.</summary>
    public CallsByHeader? Clients { get; }

    public void Add(IMethod method, MethodHandler handler)
    {
        if (!_methods.TryAdd(method.FullName, handler))
            throw new InvalidOperationException($"{method.FullName} is mapped twice.");
        _services[method.ServiceName] = true;
    }

    public void Dispose() => Meter.Dispose();

    public MethodHandler? Find(string path) => _methods.GetValueOrDefault(path);

    /// <summary>The status for a path that is not in the table; the words are grpc-go's, clients tell servers' versions by them.</summary>
    public Status Unknown(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0)
            return new Status(StatusCode.Unimplemented, $"malformed method name: \"{path}\"");
        string service = path[1..slash];
        return new Status(StatusCode.Unimplemented, _services.ContainsKey(service)
            ? $"unknown method {path[(slash + 1)..]} for service {service}"
            : $"unknown service {service}");
    }
}
