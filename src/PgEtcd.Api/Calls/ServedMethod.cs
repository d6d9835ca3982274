using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api.Calls;

/// <summary>Answers a local call, in encoded messages.</summary>
internal delegate Task LocalHandler(IAsyncStreamReader<byte[]> requests, IServerStreamWriter<byte[]> responses, CallContext call);

/// <summary>A method of a service.</summary>
/// <param name="metrics">Counts its calls.</param>
/// <param name="maxMessageSize">Largest request in bytes.</param>
/// <param name="isStream">Whether a call has many requests.</param>
internal sealed class ServedMethod(MethodMetrics metrics, int maxMessageSize, bool isStream)
{
    /// <summary>The endpoint of requests whose call has reached its runner. Setting an endpoint costs no memory.</summary>
    public static readonly Endpoint Reached = new(null, null, "gRPC");

    /// <summary>Answers calls over a connection: the package's handler.</summary>
    public RequestDelegate? Remote { get; set; }

    /// <summary>Answers local calls.</summary>
    public LocalHandler? Local { get; set; }

    public MethodMetrics Metrics => metrics;

    /// <summary>Answers a call over a connection.</summary>
    public Task ServeAsync(HttpContext http)
    {
        long started = metrics.Started(http.Request.Headers);
        if (http.Request.Headers.GrpcTimeout is { Count: > 0 } timeout && Refusal.OfTimeout(timeout.ToString()) is { } refusal)
        {
            metrics.Handled(refusal.StatusCode, started);
            Refusal.Write(http.Response, refusal);
            return Task.CompletedTask;
        }

        if (isStream)
        {
            HeldRequest.MarkStream(http);
        }

        // The runner counts calls whose request has been read, which saves nearly all calls an async frame here.
        Task call = Remote!(http);
        return http.GetEndpoint() == Reached ? call : WaitAsync(call, http, started);
    }

    private async Task WaitAsync(Task call, HttpContext http, long started)
    {
        await call;
        if (http.GetEndpoint() == Reached)
        {
            return;
        }

        Status status = http.Features.GetRequiredFeature<IServerCallContextFeature>().ServerCallContext.Status;
        if (Endings.OfUnreadable(status, maxMessageSize) is { } mended)
        {
            status = mended;
            if (!http.Response.HasStarted)
            {
                Refusal.Write(http.Response, status);
            }
        }

        metrics.Handled(status.StatusCode, started);
    }
}
