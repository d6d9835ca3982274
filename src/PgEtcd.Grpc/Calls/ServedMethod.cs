using Grpc.AspNetCore.Server;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;

namespace PgEtcd.Grpc.Calls;

/// <summary>Answers a local call, in encoded messages.</summary>
internal delegate Task LocalHandler(IAsyncStreamReader<byte[]> requests, IServerStreamWriter<byte[]> responses, CallContext call);

/// <summary>A method that this server serves.</summary>
internal sealed class ServedMethod(MethodMetrics metrics, int maxMessageSize)
{
    /// <summary>Answers calls that come over a connection: the package's.</summary>
    public RequestDelegate? Remote { get; set; }

    /// <summary>Answers local calls.</summary>
    public LocalHandler? Local { get; set; }

    public MethodMetrics Metrics => metrics;

    /// <summary>Answers a call that came over a connection.</summary>
    public Task ServeAsync(HttpContext http)
    {
        long started = metrics.Started(http.Request.Headers);
        if (http.Request.Headers.GrpcTimeout is { Count: > 0 } timeout && Refusal.OfTimeout(timeout.ToString()) is { } refusal)
        {
            metrics.Handled(refusal.StatusCode, started);
            Refusal.Write(http.Response, refusal);
            return Task.CompletedTask;
        }

        Task call = Remote!(http);
        if (!call.IsCompletedSuccessfully)
        {
            return WaitAsync(call, http, started);
        }

        End(http, started);
        return Task.CompletedTask;
    }

    private async Task WaitAsync(Task call, HttpContext http, long started)
    {
        await call;
        End(http, started);
    }

    private void End(HttpContext http, long started)
    {
        Status status = http.Features.GetRequiredFeature<IServerCallContextFeature>().ServerCallContext.Status;
        if (status.StatusCode != StatusCode.OK && PackageErrors.Mend(status, maxMessageSize) is { } mended)
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
