using PgEtcd.Api.Calls;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Hosting;

/// <summary>Drains a server: it accepts nothing new, answers the calls under way, and tells streams to continue elsewhere.</summary>
internal static class Drain
{
    /// <summary>Time for the last answers and the ends of streams to reach their clients once all calls are answered. A client that has
    /// not read them by then is cut off.</summary>
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>Runs the drain to its end. Calls under way have the usual time limit of a request.</summary>
    public static async Task RunAsync(WebApplication app, RunningFrontend frontend, ServerOptions options)
    {
        UnaryCalls calls = app.Services.GetRequiredService<UnaryCalls>();
        using CancellationTokenSource limit = new(options.RequestTimeout);
        Task leaving = frontend.LeaveAsync(); // so that clients are sent elsewhere

        // Tells streams to end (ApplicationStopping), closes the listeners, says goodbye on each connection, and waits for all of them.
        Task stopping = app.StopAsync(limit.Token);
        Task answered = calls.NoneUnderWayAsync(limit.Token);
        await Task.WhenAny(stopping, answered);
        limit.CancelAfter(DeliveryLimit);
        await stopping;
        await answered.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await leaving;
    }
}
