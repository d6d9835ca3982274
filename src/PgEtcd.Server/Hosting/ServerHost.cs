using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PgEtcd.Grpc.Connections;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Http;
using PgEtcd.Server.LocalPostgres;
using PgEtcd.Server.Metrics;
using PgEtcd.Server.Services;
using PgEtcd.Server.Store;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Hosting;

/// <summary>Puts a server together and runs it: database, replica, then the listeners.</summary>
internal static class ServerHost
{
    /// <summary>How long requests in flight may take to finish when the server stops.</summary>
    private static readonly TimeSpan DrainLimit = TimeSpan.FromSeconds(5);

    /// <summary>Serves until cancelled, then drains.</summary>
    public static async Task RunAsync(ServerOptions options, CancellationToken stopping)
    {
        using MetricsRegistry metrics = ServerMeter.Listen(); // first of all: what is measured before is lost
        using ILoggerFactory loggers = LoggerFactory.Create(logging => Configure(logging, options));
        ILogger logger = loggers.CreateLogger("PgEtcd");
        foreach (string warning in options.Warnings)
        {
            Log.Warning(logger, warning);
        }

        await using LocalDatabase? local = options.Database is null
            ? await LocalDatabase.StartAsync(options.DataDir, options.DataDirIsDefault, logger, stopping)
            : null;
        await using Frontend frontend = await Frontend.StartAsync(
            options.Database ?? local!.ConnectionString, options, loggers, stopping);
        IAlarmSource alarms = new NoAlarms();
        using ServerGauges gauges = new(frontend, options, alarms);
        using ProcessGauges process = new();
        ServingState serving = new();
        await using WebApplication app = Build(options, frontend, serving, new HttpPages(frontend, alarms, metrics));
        await StartAsync(app, options, stopping);
        Log.Serving(logger, options.Name, string.Join(", ", options.ListenClientUrls), frontend.Store.Current.Revision, frontend.Store.Current.Keys.Count);

        await WaitAsync(stopping);
        Log.Stopping(logger);
        serving.Drain();
        await frontend.Leadership.LeaveAsync(); // so that clients go elsewhere while the rest drains
        using CancellationTokenSource drain = new(DrainLimit);
        await app.StopAsync(drain.Token);
    }

    private static WebApplication Build(ServerOptions options, Frontend frontend, ServingState serving, HttpPages pages)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        Configure(builder.Logging, options);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.UseGrpcLimits();
            kestrel.Limits.MaxRequestBodySize = null; // gRPC bounds each message, a stream may be endless
            bool isSplit = options.ListenClientHttpUrls.Count > 0;
            Listen(kestrel, options.ListenClientUrls, isSplit ? ListenerKind.GrpcOnly : ListenerKind.Everything);
            Listen(kestrel, options.ListenClientHttpUrls, ListenerKind.HttpOnly);
            Listen(kestrel, options.ListenMetricsUrls, ListenerKind.Metrics);
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = options.MaxRequestBytes + ServerOptions.FramingAllowance);
        builder.Services
            .AddSingleton<IHostLifetime, SignalsAreElsewhere>()
            .AddSingleton(options)
            .AddSingleton(ServerMeter.Calls(options.ExtensiveMetrics))
            .AddSingleton(serving)
            .AddSingleton(frontend.Store)
            .AddSingleton(frontend.Leases)
            .AddSingleton(frontend.Watches)
            .AddSingleton(frontend.Leadership)
            .AddSingleton(new ResponseHeaders(
                options.Identity with { MemberId = (ulong)frontend.Leadership.Self.Id }, (ulong)frontend.Term))
            .AddSingleton<KvService>()
            .AddSingleton<LeaseService>()
            .AddSingleton<WatchService>()
            .AddSingleton<ClusterService>()
            .AddSingleton<MaintenanceService>()
            .AddSingleton<AuthService>()
            .AddSingleton<LockService>()
            .AddSingleton<ElectionService>()
            .AddSingleton<HealthService>()
            .AddSingleton<ReflectionService>()
            .AddSingleton<AlphaReflectionService>();

        WebApplication app = builder.Build();
        app.Use(next => context => pages.ServeAsync(context, next));
        app.UseRouting();
        app.MapGrpcService<KvService>();
        app.MapGrpcService<LeaseService>();
        app.MapGrpcService<WatchService>();
        app.MapGrpcService<ClusterService>();
        app.MapGrpcService<MaintenanceService>();
        app.MapGrpcService<AuthService>();
        app.MapGrpcService<LockService>();
        app.MapGrpcService<ElectionService>();
        app.MapGrpcService<HealthService>();
        app.MapGrpcService<ReflectionService>();
        app.MapGrpcService<AlphaReflectionService>();
        app.MapFallback("{*path}", PlainAnswers.NotFoundAsync);
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, IEnumerable<ListenUrl> urls, ListenerKind kind)
    {
        foreach (ListenUrl url in urls)
        {
            if (url.Address is null)
            {
                kestrel.ListenLocalhost(url.Port, Configure);
            }
            else
            {
                kestrel.Listen(new IPEndPoint(url.Address, url.Port), Configure);
            }
        }

        void Configure(ListenOptions listen)
        {
            switch (kind)
            {
                case ListenerKind.Everything:
                    listen.UseHttp1AndHttp2WithoutTls();
                    return;
                case ListenerKind.GrpcOnly:
                    listen.Protocols = HttpProtocols.Http2;
                    break;
                default:
                    listen.Protocols = HttpProtocols.Http1;
                    break;
            }

            listen.Mark(kind);
        }
    }

    private static async Task StartAsync(WebApplication app, ServerOptions options, CancellationToken stopping)
    {
        try
        {
            await app.StartAsync(stopping);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            // Kestrel names the address that it could not bind to.
            (string flag, IReadOnlyList<ListenUrl> urls) =
                IsAmong(options.ListenClientHttpUrls) ? (Flags.ListenClientHttpUrls.Name, options.ListenClientHttpUrls)
                : IsAmong(options.ListenMetricsUrls) ? (Flags.ListenMetricsUrls.Name, options.ListenMetricsUrls)
                : (Flags.ListenClientUrls.Name, options.ListenClientUrls);
            throw new ListenException(
                $"--{flag}: cannot listen on {string.Join(", ", urls)}: {exception.GetBaseException().Message}.", exception);

            bool IsAmong(IReadOnlyList<ListenUrl> list) => list.Any(url => exception.Message.Contains($"{url}:", StringComparison.Ordinal));
        }
    }

    private static async Task WaitAsync(CancellationToken stopping)
    {
        TaskCompletionSource stopped = new(TaskCreationOptions.RunContinuationsAsynchronously);
        await using CancellationTokenRegistration registration = stopping.Register(stopped.SetResult);
        await stopped.Task;
    }

    private static void Configure(ILoggingBuilder logging, ServerOptions options) => logging
        .SetMinimumLevel(options.LogLevel)
        .AddFilter("Microsoft", LogLevel.Error) // Kestrel warns that HTTP/2 needs TLS; PlaintextProtocols does without
        .AddFilter("Microsoft.Extensions.Hosting", LogLevel.None) // would log what it throws, and we say in one sentence
        .AddSimpleConsole(console =>
        {
            console.SingleLine = true;
            console.UseUtcTimestamp = true;
            console.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
        })
        .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);

    /// <summary>Program listens for signals; a host that did so too would begin to stop by itself.</summary>
    private sealed class SignalsAreElsewhere : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
