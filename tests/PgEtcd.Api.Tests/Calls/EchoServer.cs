using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Tests.Protos;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>The echo service on a real port, with a plain HTTP page beside it.</summary>
internal sealed class EchoServer : IAsyncDisposable
{
    public const int MaxMessage = 100_000;

    private readonly WebApplication _app;

    private EchoServer(WebApplication app)
    {
        _app = app;
        Address = new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        Channel = new GrpcChannel(Address, singleConnection: true);
    }

    public Uri Address { get; }

    public GrpcChannel Channel { get; }

    public IServiceProvider Services => _app.Services;

    public MethodTable Methods => _app.Services.GetRequiredService<MethodTable>();

    public EchoProbe Probe => _app.Services.GetRequiredService<EchoProbe>();

    public RecordingLogger Logs => _app.Services.GetRequiredService<RecordingLogger>();

    public static async Task<EchoServer> StartAsync(TimeSpan? prefaceTimeout = null, params IReadOnlyList<ICallWrapper> wrappers)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        RecordingLogger logs = new();
        builder.Logging.ClearProviders().AddProvider(logs).AddFilter("Grpc", LogLevel.None);
        builder.Services.AddSingleton(logs);
        builder.Services.AddSingleton<EchoProbe>();
        builder.Services.AddCalls(_ => new CallSettings { MaxMessageSize = MaxMessage, Wrappers = wrappers });
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.UseGrpcLimits();
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttp1AndHttp2WithoutTls(prefaceTimeout).UseHalfClosedConnections());
        });
        WebApplication app = builder.Build();
        EchoService service = new(app.Services.GetRequiredService<EchoProbe>());
        app.UseCalls(binder => Echo.BindService(binder, service));
        app.MapGet("/version", (HttpContext context) => $"plain {context.Request.Protocol}");
        await app.StartAsync();
        return new EchoServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        await Channel.DisposeAsync();
        using CancellationTokenSource impatient = new(TimeSpan.FromSeconds(1));
        await _app.StopAsync(impatient.Token);
        await _app.DisposeAsync();
    }
}

/// <summary>Keeps logged errors.</summary>
public sealed class RecordingLogger : ILoggerProvider, ILogger
{
    private readonly List<string> _errors = [];

    public IReadOnlyList<string> Errors
    {
        get
        {
            lock (_errors)
            {
                return [.. _errors];
            }
        }
    }

    public ILogger CreateLogger(string categoryName) => this;

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

    public void Log<TState>(
        LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        if (!IsEnabled(logLevel))
        {
            return;
        }

        lock (_errors)
        {
            _errors.Add($"{formatter(state, exception)} {exception?.Message}");
        }
    }

    public void Dispose()
    {
    }
}
