using PgEtcd.Api.Calls;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Hosting;

/// <summary>The end of a server that serves: nothing new is taken in, calls under way are answered, streams are told to go on
/// elsewhere.</summary>
internal static class Drain
{
    /// <summary>How long, when all calls are answered, the answers and the ends of streams may take to reach their clients. Who
    /// does not read by then is cut off.</summary>
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>Runs it to its end. Calls under way have the time that any request has.</summary>
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
