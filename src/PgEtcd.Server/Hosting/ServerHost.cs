using System.Net;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using PgEtcd.Grpc.Connections;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Http;
using PgEtcd.Server.LocalPostgres;
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
        await using WebApplication app = Build(options, frontend);
        await StartAsync(app, options, stopping);
        Log.Serving(logger, options.Name, string.Join(", ", options.ListenClientUrls), frontend.Store.Current.Revision, frontend.Store.Current.Keys.Count);

        await WaitAsync(stopping);
        Log.Stopping(logger);
        await frontend.Leadership.LeaveAsync(); // so that clients go elsewhere while the rest drains
        using CancellationTokenSource drain = new(DrainLimit);
        await app.StopAsync(drain.Token);
    }

    private static WebApplication Build(ServerOptions options, Frontend frontend)
    {
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        Configure(builder.Logging, options);
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.UseGrpcLimits();
            kestrel.Limits.MaxRequestBodySize = null; // gRPC bounds each message, a stream may be endless
            foreach (ListenUrl url in options.ListenClientUrls)
            {
                Listen(kestrel, url);
            }
        });
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(grpc => grpc.MaxReceiveMessageSize = options.MaxRequestBytes + ServerOptions.FramingAllowance);
        builder.Services
            .AddSingleton(options)
            .AddSingleton(frontend.Store)
            .AddSingleton(frontend.Leases)
            .AddSingleton(frontend.Watches)
            .AddSingleton(frontend.Leadership)
            .AddSingleton(frontend.Snapshots)
            .AddSingleton(new ResponseHeaders(
                options.Identity with { MemberId = (ulong)frontend.Leadership.Self.Id }, (ulong)frontend.Term))
            .AddSingleton<KvService>()
            .AddSingleton<LeaseService>()
            .AddSingleton<WatchService>()
            .AddSingleton<ClusterService>()
            .AddSingleton<MaintenanceService>()
            .AddSingleton<AuthService>()
            .AddSingleton<LockService>()
            .AddSingleton<ElectionService>();

        WebApplication app = builder.Build();
        app.UseRouting();
        app.MapGrpcService<KvService>();
        app.MapGrpcService<LeaseService>();
        app.MapGrpcService<WatchService>();
        app.MapGrpcService<ClusterService>();
        app.MapGrpcService<MaintenanceService>();
        app.MapGrpcService<AuthService>();
        app.MapGrpcService<LockService>();
        app.MapGrpcService<ElectionService>();
        app.MapHttp(frontend.Store);
        return app;
    }

    private static void Listen(KestrelServerOptions kestrel, ListenUrl url)
    {
        if (url.Address is null)
        {
            kestrel.ListenLocalhost(url.Port, Http1AndHttp2);
        }
        else
        {
            kestrel.Listen(new IPEndPoint(url.Address, url.Port), Http1AndHttp2);
        }

        static void Http1AndHttp2(ListenOptions listen) => listen.UseHttp1AndHttp2WithoutTls();
    }

    private static async Task StartAsync(WebApplication app, ServerOptions options, CancellationToken stopping)
    {
        try
        {
            await app.StartAsync(stopping);
        }
        catch (Exception exception) when (exception is IOException or System.Net.Sockets.SocketException)
        {
            throw new ListenException(
                $"--listen-client-urls: cannot listen on {string.Join(", ", options.ListenClientUrls)}: {exception.GetBaseException().Message}.",
                exception);
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
}
