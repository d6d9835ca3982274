using PgEtcd.Api.Http;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Options;
using PgEtcd.Server.Pages;
using PgEtcd.Server.Tls;

namespace PgEtcd.Server.Hosting;

/// <summary>Answers on all addresses while a large store is loading: /livez succeeds, everything else gets the progress and status 503,
/// which gRPC clients see as UNAVAILABLE.</summary>
internal sealed class LoadingServer : IAsyncDisposable
{
    /// <summary>A store that loads within this time gets no such server, which would cost CPU and leave a gap before the next one listens.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _loaded = new();
    private readonly Task _serving;

    /// <summary>Begins to wait; the server starts if the load takes long.</summary>
    /// <param name="options">The addresses. One that cannot be bound is reported by the server that follows.</param>
    /// <param name="tls">For the addresses that use TLS. Nothing is served while a self-signed certificate has yet to be made.</param>
    /// <param name="progress">The progress that the answers report.</param>
    /// <param name="loggers">The loggers of the server that follows.</param>
    public LoadingServer(ServerOptions options, ServerTls? tls, LoadProgress progress, ILoggerFactory loggers) =>
        _serving = tls is null && options.Tls is not null ? Task.CompletedTask : ServeAsync(options, tls, progress, loggers, _loaded.Token);

    /// <summary>Frees the addresses.</summary>
    public async ValueTask DisposeAsync()
    {
        await _loaded.CancelAsync();
        await _serving.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _loaded.Dispose();
    }

    private static async Task ServeAsync(
        ServerOptions options, ServerTls? tls, LoadProgress progress, ILoggerFactory loggers, CancellationToken loaded)
    {
        await Task.Delay(Patience, loaded).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (loaded.IsCancellationRequested)
        {
            return; // the usual start, without an exception: the first one of a process takes milliseconds
        }

        await using WebApplication app = Listeners.NewBuilder(options, tls, loggers).Build();
        app.Run(context => AnswerAsync(context, progress));
        await Listeners.StartAsync(app, options, loaded);
        await Task.Delay(Timeout.Infinite, loaded); // the token ends it; the disposal then closes every connection at once
    }

    private static Task AnswerAsync(HttpContext context, LoadProgress progress)
    {
        string path = context.Request.Path;
        return path == "/livez" || path.StartsWith("/livez/", StringComparison.Ordinal)
                ? context.AnswerAsync(StatusCodes.Status200OK, PlainAnswers.Text, "ok\n")
            : path == "/health" ? HealthPage.RefuseAsync(context, progress.Text)
            : context.RefuseAsync(StatusCodes.Status503ServiceUnavailable, $"[-]load failed: {progress.Text}");
    }
}
