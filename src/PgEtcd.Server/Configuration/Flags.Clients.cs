namespace PgEtcd.Server.Configuration;

/// <content>Serving clients.</content>
internal static partial class Flags
{
    public static readonly Flag ListenClientUrls = new(FlagGroup.Clients, "listen-client-urls", "http://localhost:2379", "urls",
        "Comma-separated URLs to serve clients on, gRPC and HTTP on the same port; https:// for TLS, unix:///path for a socket.");

    public static readonly Flag ListenClientHttpUrls = new(FlagGroup.Clients, "listen-client-http-urls", null, "urls",
        "Comma-separated URLs that serve HTTP only; --listen-client-urls then serves gRPC only.");

    public static readonly Flag ListenMetricsUrls = new(FlagGroup.Clients, "listen-metrics-urls", null, "urls",
        "Comma-separated URLs that serve /metrics, /health, /livez and /readyz only, beside the client URLs.");

    public static readonly Flag AdvertiseClientUrls = new(FlagGroup.Clients, "advertise-client-urls", null, "urls",
        "Comma-separated URLs that clients are told to connect to (default: the listen URLs).");

    public static readonly Flag ProxyProtocolFrom = new(FlagGroup.Clients, "proxy-protocol-from", "", "networks",
        "Comma-separated networks (10.0.0.0/8), addresses or unix: "
        + "their connections begin with a PROXY header, which names the client.", IsOurs: true);

    public static readonly Flag EnableGrpcGateway = new(
        FlagGroup.Clients, "enable-grpc-gateway", "true", "", "Serve the API also as JSON, under /v3/.");

    public static readonly Flag Console = new(FlagGroup.Clients, "console", "read-only", "mode",
        "Web pages at /ui: off, read-only, or read-write, which can also change keys.", IsOurs: true);

    public static readonly Flag ConsoleMask = new(FlagGroup.Clients, "console-mask", "", "patterns",
        "Comma-separated patterns of keys whose values the console never shows, e.g. /registry/secrets/*; * stands for any bytes.",
        IsOurs: true);

    public static readonly Flag Cors = new(FlagGroup.Clients, "cors", "*", "origins",
        "Comma-separated origins whose pages may use the server from a browser, e.g. https://example.com; * for all.");

    public static readonly Flag HostWhitelist = new(FlagGroup.Clients, "host-whitelist", "*", "hosts",
        "Comma-separated host names that plain HTTP requests may be addressed to; * for all.");

    public static readonly Flag SocketReusePort = new(
        FlagGroup.Clients, "socket-reuse-port", "false", "", "Let several processes listen on the same port (SO_REUSEPORT).");

    public static readonly Flag SocketReuseAddress = new(FlagGroup.Clients, "socket-reuse-address", "false", "",
        "Listen on an address whose last connections are still closing (SO_REUSEADDR); always on here.");

    public static readonly Flag MaxRequestBytes = new(
        FlagGroup.Clients, "max-request-bytes", "1572864", "bytes", "Largest client request in bytes.");

    public static readonly Flag MaxTxnOps = new(
        FlagGroup.Clients, "max-txn-ops", "128", "count", "Largest number of operations in one branch of a transaction.");

    public static readonly Flag MaxConcurrentStreams = new(FlagGroup.Clients, "max-concurrent-streams", "4294967295", "count",
        "Largest number of concurrent streams per connection; values above 10000 count as 10000.");

    public static readonly Flag GrpcKeepaliveInterval = new(
        FlagGroup.Clients, "grpc-keepalive-interval", "2h", "duration", "Silence after which a client is pinged, at least 1s; 0: never.");

    public static readonly Flag GrpcKeepaliveTimeout = new(FlagGroup.Clients, "grpc-keepalive-timeout", "20s", "duration",
        "How long the answer to that ping may take before the connection is closed, at least 1s.");

    public static readonly Flag WatchProgressNotifyInterval = new(FlagGroup.Clients, "watch-progress-notify-interval", "10m", "duration",
        "Interval of progress notifications, for watches that request them; at least 100ms.", WasExperimental: true);
}
