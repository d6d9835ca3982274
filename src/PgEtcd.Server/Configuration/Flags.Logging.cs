
namespace PgEtcd.Server.Configuration;

/// <content>Logs and traces.</content>
internal static partial class Flags
{
    public static readonly Flag Logger = new("logger", "zap", "name", "etcd's only logger: zap.") { Group = FlagGroup.Logging };

    public static readonly Flag LogLevel = new("log-level", "info", "level", "debug, info, warn, error, panic or fatal.")
    { Group = FlagGroup.Logging };

    public static readonly Flag LogFormat = new("log-format", "json", "format", "json (one object per line, as in etcd) or console.")
    { Group = FlagGroup.Logging };

    public static readonly Flag LogOutputs = new("log-outputs", "default", "outputs",
        "Comma-separated: stderr, stdout, default (stderr), systemd/journal (stderr, with the journal's priorities) or paths of files.")
    { Group = FlagGroup.Logging };

    public static readonly Flag EnableLogRotation = new(
        "enable-log-rotation", "false", "", "Rotate the log file; --log-outputs must be the path of one file.")
    { Group = FlagGroup.Logging };

    public static readonly Flag LogRotationConfigJson = new("log-rotation-config-json", DefaultLogRotation, "json",
        "Rotation: maxsize (MB; 0: 100), maxage (days) and maxbackups (0: no limit), localtime, compress.")
    { Group = FlagGroup.Logging };

    public static readonly Flag WarningApplyDuration = new("warning-apply-duration", "100ms", "duration",
        "Warn about a batch of writes that takes longer to commit.")
    { Group = FlagGroup.Logging, OldName = "experimental-warning-apply-duration" };

    public static readonly Flag WarningUnaryRequestDuration = new("warning-unary-request-duration", "300ms", "duration",
        "Warn about a request that takes longer to answer.")
    { Group = FlagGroup.Logging, OldName = "experimental-warning-unary-request-duration" };

    public static readonly Flag EnableDistributedTracing = new(
        "enable-distributed-tracing", "false", "", "Send OpenTelemetry traces over OTLP.")
    { Group = FlagGroup.Logging, OldName = "experimental-enable-distributed-tracing" };

    public static readonly Flag DistributedTracingAddress = new("distributed-tracing-address", "localhost:4317", "address",
        "The collector: host:port for OTLP over gRPC without TLS, or an http:// or https:// URL for OTLP over HTTP.")
    { Group = FlagGroup.Logging, OldName = "experimental-distributed-tracing-address" };

    public static readonly Flag DistributedTracingServiceName = new(
        "distributed-tracing-service-name", "etcd", "name", "Service name in traces.")
    { Group = FlagGroup.Logging, OldName = "experimental-distributed-tracing-service-name" };

    public static readonly Flag DistributedTracingInstanceId = new("distributed-tracing-instance-id", "", "id",
        "Service instance id in traces; unique to each frontend.")
    { Group = FlagGroup.Logging, OldName = "experimental-distributed-tracing-instance-id" };

    public static readonly Flag DistributedTracingSamplingRate = new("distributed-tracing-sampling-rate", "0", "count",
        "Calls per million that begin a trace. A call that its client traces always joins the client's trace.")
    { Group = FlagGroup.Logging, OldName = "experimental-distributed-tracing-sampling-rate" };

    public static readonly Flag Metrics = new("metrics", "basic", "level",
        "basic, or extensive, which adds histograms of the duration of each gRPC method.")
    { Group = FlagGroup.Logging };

    private const string DefaultLogRotation =
        """{"maxsize": 100, "maxage": 0, "maxbackups": 0, "localtime": false, "compress": false}""";
}
