using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Gateway;
using PgEtcd.Api.Hosting;
using PgEtcd.Api.Http;
using PgEtcd.Console;
using PgEtcd.Console.Pages;
using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Calls;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Logging;
using PgEtcd.Server.Metrics;
using PgEtcd.Server.Options;
using PgEtcd.Server.Pages;
using PgEtcd.Server.Tls;
using PgEtcd.Server.Tracing;

namespace PgEtcd.Server.Hosting;

/// <summary>Puts a server together and runs it: database, replica, then the listeners.</summary>
internal static class ServerHost
{
    /// <summary>The longest time that a rehearsal may delay the start if PostgreSQL is slow.</summary>
    private static readonly TimeSpan RehearsalLimit = TimeSpan.FromMilliseconds(500);

    /// <summary>Time for the last answers and the ends of streams to reach their clients once all calls are answered. A client that has
    /// not read them by then is cut off.</summary>
    private static readonly TimeSpan DeliveryLimit = TimeSpan.FromMilliseconds(300);

    /// <summary>Serves until cancelled, then drains.</summary>
    /// <exception cref="LogOutputException">A log file cannot be opened.</exception>
    /// <exception cref="TlsException">A certificate, key or list cannot be used.</exception>
    public static async Task RunAsync(ServerOptions options, CancellationToken stopping)
    {
        using MetricsRegistry metrics = ServerMeter.Listen(); // first: earlier measurements would be lost
        using ILoggerFactory loggers = LoggerFactory.Create(logging => Configure(logging, options));
        ILogger logger = loggers.CreateLogger("PgEtcd");
        foreach (string warning in options.Warnings)
        {
            Log.Warning(logger, warning);
        }

        ServerTls? tls = options.Tls is { SelfSigned: true } ? null : ServerTls.Load(options, logger); // before anything is started
        using TraceExport? traces = options.Tracing is { } tracing ? new TraceExport(tracing, loggers) : null;
        await using LocalDatabase? local = options.Database is null
            ? await LocalDatabase.StartAsync(options.DataDir, options.DataDirIsDefault, logger, stopping)
            : null;
        await using RunningFrontend frontend = await LoadAsync(
            options.Database ?? local!.ConnectionString, options, tls, loggers, stopping);
        tls ??= ServerTls.Load(options, logger); // a self-signed certificate is in the directory that PostgreSQL's start has created
        Task writing = Rehearsal.RunAsync(RehearsalLimit, frontend.Committer.RehearseAsync); // while the rest is put together
        using ServerGauges gauges = new(frontend, options);
        using ProcessGauges process = new();
        await using WebApplication app = Build(options, frontend, new HttpPages(frontend, metrics), metrics, tls, loggers);
        await Rehearsal.RunAsync(RehearsalLimit, token => RehearsedCalls.RunAsync(app.Services, token));
        await writing;
        await Listeners.StartAsync(app, options, stopping);
        Log.Serving(
            logger, options.Name, string.Join(", ", options.ListenClientUrls), frontend.Reader.Current.Revision,
            frontend.Reader.Current.Keys.Count);

        await Task.Delay(Timeout.Infinite, stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        Log.Stopping(logger);
        app.Services.GetRequiredService<ServingState>().Drain();
        await DrainAsync(app, frontend, options);
        Log.Stopped(logger);
    }

    private static async Task<RunningFrontend> LoadAsync(
        string database, ServerOptions options, ServerTls? tls, ILoggerFactory loggers, CancellationToken stopping)
    {
        LoadProgress progress = new(TimeProvider.System, loggers.CreateLogger<LoadProgress>());
        await using LoadingServer loading = new(options, tls, progress, loggers);
        return await RunningFrontend.StartAsync(database, options, progress, loggers, stopping);
    }

    private static WebApplication Build(
        ServerOptions options, RunningFrontend frontend, HttpPages pages, MetricsRegistry metrics, ServerTls? tls, ILoggerFactory loggers)
    {
        WebApplicationBuilder builder = Listeners.NewBuilder(options, tls, loggers);
        builder.Services.AddRoutingCore();
        builder.Services.AddEtcdApi(new ApiOptions
        {
            Limits = options.Limits,
            Identity = options.Identity with { MemberId = (ulong)frontend.Membership.Self.Id },
            Term = (ulong)frontend.Term,
            HasTracing = options.Tracing is not null,
            HasHandlingTimes = options.ExtensiveMetrics,
            TrustsCertificates = options.Auth.TrustsCertificates,
        });
        builder.Services
            .AddSingleton(frontend.Reader)
            .AddSingleton(frontend.Writer)
            .AddSingleton(frontend.CompactionMark)
            .AddSingleton(frontend.Leases)
            .AddSingleton(frontend.Watches)
            .AddSingleton(frontend.Membership)
            .AddSingleton(frontend.HandOver)
            .AddSingleton(frontend.Alarms)
            .AddSingleton(frontend.Sizes)
            .AddSingleton(frontend.Quota)
            .AddSingleton(frontend.Maintenance)
            .AddSingleton(frontend.Snapshots)
            .AddSingleton(frontend.Auth)
            .AddSingleton(frontend.Auth.States)
            .AddSingleton(frontend.Auth.Tokens)
            .AddSingleton(frontend.Tail);

        WebApplication app = builder.Build();
        app.Use(new ResetLimit(TimeProvider.System, loggers.CreateLogger<ResetLimit>()).Around);
        app.UseEtcdApi();
        app.UseHttpAccess(options.Gateway);
        app.Use(next => context => pages.ServeAsync(context, next));
        app.UseConsole(options.Console, () => PartsOf(frontend, metrics, app.Services));
        if (options.Gateway.Enabled)
        {
            app.UseGateway();
        }

        app.UseRouting();
        app.MapFallback("{*path}", PlainAnswers.NotFoundAsync);
        return app;
    }

    private static ConsoleParts PartsOf(RunningFrontend frontend, MetricsRegistry metrics, IServiceProvider services)
    {
        return new ConsoleParts(
            frontend.Database, frontend.Reader, frontend.Writer, frontend.Tail, frontend.Auth, frontend.Quota, frontend.Alarms,
            frontend.Membership.Run, RequestMetadata.Peer, Counters,
            services.GetRequiredService<ILoggerFactory>(), services.GetRequiredService<IHostApplicationLifetime>().ApplicationStopping);

        CounterReading Counters()
        {
            (double seconds, double commits) = metrics.Total("etcd_disk_backend_commit_duration_seconds");
            return new CounterReading(
                metrics.Total("etcd_mvcc_put_total").Sum, metrics.Total("etcd_mvcc_delete_total").Sum,
                metrics.Total("etcd_mvcc_range_total").Sum, frontend.Watches.Count().EventsSent, seconds, commits);
        }
    }

    /// <summary>Accepts nothing new, answers the calls under way, and tells streams to continue elsewhere. Calls under way have the usual
    /// time limit of a request.</summary>
    private static async Task DrainAsync(WebApplication app, RunningFrontend frontend, ServerOptions options)
    {
        using CancellationTokenSource limit = new(options.RequestTimeout);
        Task leaving = frontend.LeaveAsync(); // so that clients are sent elsewhere

        // Tells streams to end (ApplicationStopping), closes the listeners, says goodbye on each connection, and waits for all of them.
        Task stopping = app.StopAsync(limit.Token);
        Task answered = app.Services.GetRequiredService<UnaryCalls>().NoneUnderWayAsync(limit.Token);
        await Task.WhenAny(stopping, answered);
        limit.CancelAfter(DeliveryLimit);
        await stopping;
        await answered.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await leaving;
    }

    private static void Configure(ILoggingBuilder logging, ServerOptions options) => logging
        .SetMinimumLevel(options.Logging.Level)
        .AddFilter("Microsoft", LogLevel.Error) // Kestrel warns that HTTP/2 needs TLS; PlaintextProtocols does not need it
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None) // would log the exceptions that Program reports in one sentence
        .AddFilter("Grpc", LogLevel.None) // a line for each error status; PgEtcd.Grpc logs those that are the server's fault
        .AddFilter("Microsoft.AspNetCore.Hosting.Diagnostics", LogLevel.None) // else it starts an activity for every request
        .AddFilter<HandshakeErrors>(null, LogLevel.None)
        .AddFilter<HandshakeErrors>(HandshakeErrors.Category, LogLevel.Debug)
        .AddProvider(new HandshakeErrors())
        .AddProvider(new LineLoggerProvider(options.Logging));
}
