using System.Diagnostics.Metrics;
using Grpc.Core;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>All methods by path. Every call looks up its method once, so a dictionary replaces endpoint routing.</summary>
/// <param name="settings">Settings and wrappers of calls.</param>
/// <param name="loggers">Makes the logger of failures.</param>
internal sealed class MethodTable(CallSettings settings, ILoggerFactory loggers) : IDisposable
{
    private readonly Dictionary<string, ServedMethod> _methods = new(StringComparer.Ordinal);
    private readonly HashSet<string> _services = new(StringComparer.Ordinal);
    private readonly Meter _meter = new("PgEtcd.Grpc"); // one for each host

    /// <summary>Largest request message in bytes.</summary>
    public int MaxMessageSize => settings.MaxMessageSize;

    internal CallSettings Settings => settings;

    internal ILogger Logger { get; } = loggers.CreateLogger("PgEtcd.Grpc");

    private CallsByVersion Clients => field ??= new CallsByVersion(_meter);

    /// <summary>Makes a local call for the gateway. Metadata, deadline and status are treated as in a remote call.</summary>
    /// <param name="method">The method's path: <c>/etcdserverpb.KV/Put</c>.</param>
    /// <param name="cause">The gateway's request; the service sees its connection.</param>
    /// <param name="metadata">Metadata as headers, including grpc-timeout.</param>
    /// <param name="requests">The call's requests.</param>
    /// <param name="responses">Takes the call's responses.</param>
    /// <param name="gone">Fires when the client has gone.</param>
    /// <returns>The call's status.</returns>
    public async Task<Status> CallAsync(
        string method,
        HttpContext cause,
        IHeaderDictionary metadata,
        IAsyncStreamReader<byte[]> requests,
        IServerStreamWriter<byte[]> responses,
        CancellationToken gone)
    {
        if (Find(method) is not { } served)
        {
            return Unknown(method);
        }

        long started = served.Metrics.Started(metadata);
        using LocalCall call = new(method, cause, metadata, gone);
        Status status;
        try
        {
            await served.Local!(requests, responses, call);
            status = call.Status;
        }
        catch (Exception exception)
        {
            status = Endings.ToRpc(exception, call, Logger).Status;
        }

        if (!call.IsOver) // the request could not be read
        {
            served.Metrics.Handled(status.StatusCode, started);
        }

        return status;
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    internal ServedMethod? Find(string path) => _methods.GetValueOrDefault(path);

    /// <summary>The status for a path that is not in the table, in grpc-go's words, by which clients recognise the server's
    /// version.</summary>
    internal Status Unknown(string path)
    {
        int slash = path.LastIndexOf('/');
        if (slash <= 0)
        {
            return new Status(StatusCode.Unimplemented, $"malformed method name: \"{path}\"");
        }

        string service = path[1..slash];
        return new Status(StatusCode.Unimplemented, _services.Contains(service)
            ? $"unknown method {path[(slash + 1)..]} for service {service}"
            : $"unknown service {service}");
    }

    /// <summary>Adds a method.</summary>
    /// <returns>The method with marshallers that count.</returns>
    internal Method<TRequest, TResponse> Add<TRequest, TResponse>(Method<TRequest, TResponse> method, out ServedMethod served)
    {
        MethodMetrics metrics = new(_meter, settings.HasHandlingTimes, Clients, method);
        served = new ServedMethod(metrics, MaxMessageSize, isStream: method.Type == MethodType.DuplexStreaming);
        _methods.Add(method.FullName, served);
        _services.Add(method.ServiceName);
        return new Method<TRequest, TResponse>(
            method.Type, method.ServiceName, method.Name, Messages.Requests(method.RequestMarshaller, metrics, MaxMessageSize),
            Messages.Responses(method.ResponseMarshaller, metrics));
    }
}
