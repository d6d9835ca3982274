namespace PgEtcd.Server.Configuration;

/// <content>Logs and traces.</content>
internal static partial class Flags
{
    public static readonly Flag Logger = new(FlagGroup.Logging, "logger", "zap", "name", "etcd's only logger: zap.");

    public static readonly Flag LogLevel = new(
        FlagGroup.Logging, "log-level", "info", "level", "debug, info, warn, error, panic or fatal.");

    public static readonly Flag LogFormat = new(
        FlagGroup.Logging, "log-format", "json", "format", "json (one object per line, as in etcd) or console.");

    public static readonly Flag LogOutputs = new(FlagGroup.Logging, "log-outputs", "default", "outputs",
        "Comma-separated: stderr, stdout, default (stderr), systemd/journal (stderr, with the journal's priorities) or paths of files.");

    public static readonly Flag EnableLogRotation = new(
        FlagGroup.Logging, "enable-log-rotation", "false", "", "Rotate the log file; --log-outputs must be the path of one file.");

    public static readonly Flag LogRotationConfigJson = new(FlagGroup.Logging, "log-rotation-config-json", DefaultLogRotation, "json",
        "Rotation: maxsize (MB; 0: 100), maxage (days) and maxbackups (0: no limit), localtime, compress.");

    public static readonly Flag WarningApplyDuration = new(FlagGroup.Logging, "warning-apply-duration", "100ms", "duration",
        "Warn about a batch of writes that takes longer to commit.", WasExperimental: true);

    public static readonly Flag WarningUnaryRequestDuration = new(FlagGroup.Logging, "warning-unary-request-duration", "300ms", "duration",
        "Warn about a request that takes longer to answer.", WasExperimental: true);

    public static readonly Flag EnableDistributedTracing = new(
        FlagGroup.Logging, "enable-distributed-tracing", "false", "", "Send OpenTelemetry traces over OTLP.", WasExperimental: true);

    public static readonly Flag DistributedTracingAddress = new(
        FlagGroup.Logging, "distributed-tracing-address", "localhost:4317", "address",
        "The collector: host:port for OTLP over gRPC without TLS, or an http:// or https:// URL for OTLP over HTTP.",
        WasExperimental: true);

    public static readonly Flag DistributedTracingServiceName = new(
        FlagGroup.Logging, "distributed-tracing-service-name", "etcd", "name", "Service name in traces.", WasExperimental: true);

    public static readonly Flag DistributedTracingInstanceId = new(FlagGroup.Logging, "distributed-tracing-instance-id", "", "id",
        "Service instance id in traces; unique to each frontend.", WasExperimental: true);

    public static readonly Flag DistributedTracingSamplingRate = new(FlagGroup.Logging, "distributed-tracing-sampling-rate", "0", "count",
        "Calls per million that begin a trace. A call that its client traces always joins the client's trace.", WasExperimental: true);

    public static readonly Flag Metrics = new(
        FlagGroup.Logging, "metrics", "basic", "level", "basic, or extensive, which adds histograms of the duration of each gRPC method.");

    private const string DefaultLogRotation =
        """{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}""";
}
