using OpenTelemetry;
using OpenTelemetry.Exporter;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Tracing;

/// <summary>Sends spans to a collector while it lives: PgEtcd's own, and Npgsql's below them.</summary>
internal sealed class TraceExport(TracingOptions options, ILoggerFactory loggers) : IDisposable
{
    /// <summary>Npgsql's source: a span for each command, with its SQL and without its parameters.</summary>
    private const string NpgsqlSource = "Npgsql";

    /// <summary>Time limit for the last spans at the end. A collector that is away or hangs must not delay the stop any longer.</summary>
    private const int FarewellMilliseconds = 2000;

    private readonly TraceFailures _failures = new(options.Collector, loggers.CreateLogger<TraceExport>(), TimeProvider.System);
    private readonly TracerProvider _provider = Sdk.CreateTracerProviderBuilder()
        .AddSource(Spans.SourceName, NpgsqlSource)
        .SetSampler(new ParentBasedSampler(new CallSampler(options.SamplingRatio)))
        .ConfigureResource(resource => resource.Clear().AddService(
            options.ServiceName,
            serviceVersion: ReleaseInfo.PgEtcdVersion,
            autoGenerateServiceInstanceId: false,
            serviceInstanceId: options.InstanceId is { Length: > 0 } id ? id : null))
        .AddOtlpExporter(otlp =>
        {
            otlp.Endpoint = options.Collector;
            otlp.Protocol = options.IsGrpc ? OtlpExportProtocol.Grpc : OtlpExportProtocol.HttpProtobuf;
        })
        .Build();

    /// <inheritdoc/>
    public void Dispose()
    {
        _provider.Shutdown(FarewellMilliseconds);
        _provider.Dispose();
        _failures.Dispose();
    }

    /// <summary>Only a call begins a trace: the SQL of jobs and heartbeats belongs to none.</summary>
    private sealed class CallSampler(double ratio) : Sampler
    {
        private readonly TraceIdRatioBasedSampler _calls = new(ratio);

        public override SamplingResult ShouldSample(in SamplingParameters samplingParameters) =>
            samplingParameters.Kind == System.Diagnostics.ActivityKind.Server
                ? _calls.ShouldSample(samplingParameters)
                : new SamplingResult(SamplingDecision.Drop);
    }
}
