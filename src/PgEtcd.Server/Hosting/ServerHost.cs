using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Gateway;
using PgEtcd.Api.Hosting;
using PgEtcd.Api.Http;
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
        using TraceExport? traces = TraceExport.Start(options.Tracing, loggers);
        await using LocalDatabase? local = options.Database is null
            ? await LocalDatabase.StartAsync(options.DataDir, options.DataDirIsDefault, logger, stopping)
            : null;
        await using RunningFrontend frontend = await LoadAsync(
            options.Database ?? local!.ConnectionString, options, tls, loggers, stopping);
        tls ??= ServerTls.Load(options, logger); // a self-signed certificate is in the directory that PostgreSQL's start has created
        Task writing = Rehearsal.RunAsync(RehearsalLimit, frontend.Committer.RehearseAsync); // while the rest is put together
        FrontendAlarms alarms = new(frontend, options);
        using ServerGauges gauges = new(frontend, options, alarms);
        using ProcessGauges process = new();
        await using WebApplication app = Build(options, frontend, new HttpPages(frontend, alarms, metrics), metrics, tls, loggers);
        await Rehearsal.RunAsync(RehearsalLimit, token => RehearsedCalls.RunAsync(app.Services, token));
        await writing;
        await Listeners.StartAsync(app, options, stopping);
        Log.Serving(
            logger, options.Name, string.Join(", ", options.ListenClientUrls), frontend.Reader.Current.Revision,
            frontend.Reader.Current.Keys.Count);

        await WaitAsync(stopping);
        Log.Stopping(logger);
        app.Services.GetRequiredService<ServingState>().Drain();
        await Drain.RunAsync(app, frontend, options);
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
        app.UseConsole(options.Console, () => ConsoleComposition.Of(frontend, metrics, app.Services));
        if (options.Gateway.Enabled)
        {
            app.UseGateway();
        }

        app.UseRouting();
        app.MapFallback("{*path}", PlainAnswers.NotFoundAsync);
        return app;
    }

    private static async Task WaitAsync(CancellationToken stopping)
    {
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = stopping.Register(stopped.SetResult);
        await stopped.Task;
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
