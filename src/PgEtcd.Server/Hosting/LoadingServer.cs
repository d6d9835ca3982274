using PgEtcd.Api.Http;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Options;
using PgEtcd.Server.Tls;

namespace PgEtcd.Server.Hosting;

/// <summary>Answers on all addresses while a store takes long to load: /livez that the process works, everything else with the progress and
/// status 503, which is UNAVAILABLE to clients of gRPC.</summary>
internal sealed class LoadingServer : IAsyncDisposable
{
    /// <summary>A store that loads within this time has no such server, which costs CPU and leaves a gap before the next one listens.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    private readonly CancellationTokenSource _loaded = new();
    private readonly Task _serving;

    private LoadingServer(Func<CancellationToken, Task> serve) => _serving = serve(_loaded.Token);

    /// <summary>Begins to wait for a load that takes long.</summary>
    /// <param name="options">The addresses. One that cannot be bound is reported by the server that follows.</param>
    /// <param name="tls">For the addresses that use TLS. Nothing is served while a self-signed certificate has yet to be made.</param>
    /// <param name="progress">What the answers tell.</param>
    /// <param name="loggers">As of the server that follows.</param>
    public static LoadingServer Begin(ServerOptions options, ServerTls? tls, LoadProgress progress, ILoggerFactory loggers) =>
        new(async loaded =>
        {
            if (tls is not null || options.Tls is null)
            {
                await Task.Delay(Patience, loaded).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                if (!loaded.IsCancellationRequested)
                {
                    await ServeAsync(options, tls, progress, loggers, loaded);
                }
            }
        });

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
        await using WebApplication app = Listeners.NewBuilder(options, tls, loggers).Build();
        app.Run(context => AnswerAsync(context, progress));
        await Listeners.StartAsync(app, options, loaded);
        await Task.Delay(Timeout.Infinite, loaded).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await app.StopAsync(new CancellationToken(canceled: true)); // at once: what is still open has its answer
    }

    private static Task AnswerAsync(HttpContext context, LoadProgress progress)
    {
        string path = context.Request.Path;
        return path == "/livez" || path.StartsWith("/livez/", StringComparison.Ordinal)
            ? context.AnswerAsync(StatusCodes.Status200OK, PlainAnswers.Text, "ok\n")
            : context.RefuseAsync(
                StatusCodes.Status503ServiceUnavailable,
                path == "/health" ? $$"""{"health":"false","reason":"{{progress}}"}""" : $"[-]load failed: {progress}");
    }
}
