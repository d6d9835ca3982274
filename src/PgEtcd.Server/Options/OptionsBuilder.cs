using System.Net;
using PgEtcd.Api;
using PgEtcd.Api.Gateway;
using PgEtcd.Console;
using PgEtcd.Postgres.Connections;
using PgEtcd.Protocol;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Proxies;

namespace PgEtcd.Server.Options;

/// <summary>Checks every flag and builds the options.</summary>
internal static class OptionsBuilder
{
    /// <summary>Largest accepted --max-request-bytes. A message must fit into one array with room for its frame.</summary>
    private const int MostRequestBytes = 1 << 30;

    /// <summary>A number of streams on one connection that is as good as no limit.</summary>
    private const int MostStreams = 10_000;

    /// <summary>etcd's own bound, milliseconds.</summary>
    private const int LongestElection = 50_000;

    /// <summary>etcd's own bound: an election timeout is five heartbeats at least.</summary>
    private const int LeastHeartbeats = 5;

    /// <exception cref="FlagException">The first flag that is wrong.</exception>
    public static ServerOptions Build(IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment)
    {
        ConfigFile? file = FindFile(typed, environment);
        FlagValues values = new(typed, environment, file);
        CheckIgnored(values);
        string name = values.Text(Flags.Name);
        IReadOnlyList<ListenUrl> listen = Urls.Listen(values, Flags.ListenClientUrls);
        IReadOnlyList<ListenUrl> listenHttp = Urls.Listen(values, Flags.ListenClientHttpUrls);
        IReadOnlyList<ListenUrl> listenMetrics = Urls.Listen(values, Flags.ListenMetricsUrls);
        TlsOptions? tls = TlsOptions.From(values, [.. listen, .. listenHttp, .. listenMetrics]);
        return new ServerOptions
        {
            Name = name,
            Database = values.OptionalText(Flags.Database) is { } database
                ? DatabaseAddress.ToConnectionString(values.Label(Flags.Database), database)
                : null,
            DatabasePassword = Password(values),
            Schema = Schemas.Check(values.Label(Flags.Schema), values.Text(Flags.Schema)),
            DataDir = DataDir(values, name),
            DataDirIsDefault = !values.IsGiven(Flags.DataDir),
            MayMigrate = values.OneOf(Flags.Migrate, ("auto", true), ("never", false)),
            ListenClientUrls = listen,
            ListenClientHttpUrls = listenHttp,
            ListenMetricsUrls = listenMetrics,
            Tls = tls,
            ExtensiveMetrics = values.OneOf(Flags.Metrics, ("basic", false), ("extensive", true)),
            AdvertiseClientUrls = values.OptionalText(Flags.AdvertiseClientUrls) is null
                ? Reachable(listen)
                : Urls.Advertise(values, Flags.AdvertiseClientUrls),
            TrustedProxies = Proxies(values),
            ReusePort = values.Switch(Flags.SocketReusePort),
            Limits = Limits(values),
            MaxConcurrentStreams = values.LongNumber(Flags.MaxConcurrentStreams, 0, uint.MaxValue) is > 0 and < MostStreams and var streams
                ? (int)streams
                : MostStreams,
            KeepAlivePingInterval = AtLeastASecond(values.Duration(Flags.GrpcKeepaliveInterval)),
            KeepAlivePingTimeout = AtLeastASecond(values.Duration(Flags.GrpcKeepaliveTimeout))
                ?? Durations.Parse(Flags.GrpcKeepaliveTimeout.Default!)!.Value,
            QuotaBackendBytes = values.LongNumber(Flags.QuotaBackendBytes, long.MinValue, long.MaxValue),
            InitialClusterToken = values.Text(Flags.InitialClusterToken),
            InitialAdvertisePeerUrls = Urls.Advertise(values, Flags.InitialAdvertisePeerUrls),
            Logging = LoggingOptions.From(values),
            Tracing = TracingOptions.From(values),
            Auth = AuthFlags.Read(values),
            Compaction = CompactionFlags.Read(values),
            Gateway = new GatewayOptions
            {
                Enabled = values.Switch(Flags.EnableGrpcGateway),
                Origins = [.. NonEmptyList(values, Flags.Cors).Select(origin => Origin(values, origin))],
                Hosts = NonEmptyList(values, Flags.HostWhitelist),
            },
            Console = new ConsoleOptions(
                values.OneOf(
                    Flags.Console, ("off", ConsoleMode.Off), ("read-only", ConsoleMode.ReadOnly), ("read-write", ConsoleMode.ReadWrite)),
                values.List(Flags.ConsoleMask),
                values.Number(Flags.MaxRequestBytes, 1, MostRequestBytes),
                name),
            WatchProgressNotifyInterval = ProgressInterval(values),
            SqlWriteTimeout = SqlWriteTimeout(values),
            Warnings = [
                .. FlagWarnings.For(values, typed, environment, file), .. TlsOptions.Warnings(values, [.. listen, .. listenHttp], tls)],
        };
    }

    /// <summary>The configuration file. The flag wins over its variable; neither is looked at again.</summary>
    private static ConfigFile? FindFile(IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment)
    {
        Flag flag = Flags.ConfigFile;
        return typed.GetValueOrDefault(flag.Name) is { Length: > 0 } path ? ConfigFile.Read("--" + flag.Name, path)
            : environment.GetValueOrDefault(flag.Variable) is { Length: > 0 } set ? ConfigFile.Read(flag.Variable, set)
            : null;
    }

    private static void CheckIgnored(FlagValues values)
    {
        FeatureGates.Check(values.Label(Flags.FeatureGates), values.Text(Flags.FeatureGates));
        foreach (Flag flag in Flags.All.Where(flag => flag.Group == FlagGroup.Ignored && flag.IsSwitch))
        {
            _ = values.Switch(flag);
        }

        _ = values.Switch(Flags.SocketReuseAddress); // it is always so
    }

    private static RequestLimits Limits(FlagValues values)
    {
        // There are no elections here, but etcd derives limits from their timeout, which it counts in whole heartbeats: the shortest lease
        // has 1.5 election timeouts (a whole number of heartbeats) in whole seconds, rounded up, 2 s by default; a request may wait 5 s
        // and two election timeouts, 7 s by default.
        int heartbeat = values.Number(Flags.HeartbeatInterval, 1, LongestElection / LeastHeartbeats);
        int ticks = values.Number(Flags.ElectionTimeout, LeastHeartbeats * heartbeat, LongestElection) / heartbeat;
        return new RequestLimits
        {
            MaxRequestBytes = values.Number(Flags.MaxRequestBytes, 1, MostRequestBytes),
            MaxTxnOps = values.Number(Flags.MaxTxnOps, 1, int.MaxValue),
            MinLeaseTtlSeconds = (long)Math.Ceiling(3 * ticks / 2 * TimeSpan.FromMilliseconds(heartbeat).TotalSeconds),
            RequestTimeout = TimeSpan.FromSeconds(5) + TimeSpan.FromMilliseconds(2 * ticks * heartbeat),
            SlowRequest = values.Duration(Flags.WarningUnaryRequestDuration),
        };
    }

    private static PasswordCommand? Password(FlagValues values)
    {
        TimeSpan lifetime = values.Duration(Flags.DatabasePasswordLifetime);
        return values.OptionalText(Flags.DatabasePasswordCommand) is not { } command ? null
            : values.OptionalText(Flags.Database) is not null ? new PasswordCommand(command, lifetime)
            : throw new FlagException($"{values.Label(Flags.DatabasePasswordCommand)} needs --database, whose password it prints.");
    }

    /// <summary>The networks of --proxy-protocol-from, or addresses; null if there are none.</summary>
    private static TrustedProxies? Proxies(FlagValues values)
    {
        string[] items = values.List(Flags.ProxyProtocolFrom);
        return items.Length == 0 ? null
            : new TrustedProxies([.. items.Where(item => item != "unix").Select(Network)], items.Contains("unix"));

        IPNetwork Network(string item) =>
            IPNetwork.TryParse(item, out IPNetwork network) ? network
            : IPAddress.TryParse(item, out IPAddress? address) ? new IPNetwork(address, 8 * address.GetAddressBytes().Length)
            : throw values.Wrong(Flags.ProxyProtocolFrom, "a list of networks such as 10.0.0.0/8, addresses or unix", item);
    }

    private static string[] NonEmptyList(FlagValues values, Flag flag) => values.List(flag) is { Length: > 0 } items
        ? items
        : throw new FlagException($"{values.Label(flag)} needs a value.");

    /// <summary>An origin. Browsers send scheme, host and port without a path; a slash at the end is accepted.</summary>
    private static string Origin(FlagValues values, string text) =>
        text == "*" ? text
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/"
            && url.UserInfo == ""
            ? text.TrimEnd('/')
            : throw values.Wrong(Flags.Cors, "* or a list of origins such as https://example.com", text);

    /// <summary>0 stands for the default, as in etcd.</summary>
    private static TimeSpan ProgressInterval(FlagValues values)
    {
        Flag flag = Flags.WatchProgressNotifyInterval;
        TimeSpan interval = values.Duration(flag);
        return interval == TimeSpan.Zero ? Durations.Parse(flag.Default!)!.Value
            : interval >= TimeSpan.FromMilliseconds(100) ? interval
            : throw values.Wrong(flag, "at least 100ms");
    }

    private static TimeSpan SqlWriteTimeout(FlagValues values)
    {
        TimeSpan limit = values.Duration(Flags.SqlWriteTimeout);
        return limit == TimeSpan.Zero || limit >= TimeSpan.FromMilliseconds(100)
            ? limit
            : throw values.Wrong(Flags.SqlWriteTimeout, "0 or at least 100ms");
    }

    /// <summary>The interval within Kestrel's bounds: pings at most once a second, and no wait longer than a timer's.</summary>
    private static TimeSpan? AtLeastASecond(TimeSpan interval) => interval == TimeSpan.Zero ? null
        : TimeSpan.FromTicks(Math.Clamp(interval.Ticks, TimeSpan.TicksPerSecond, TimeSpan.TicksPerDay));

    private static string DataDir(FlagValues values, string name)
    {
        string path = values.OptionalText(Flags.DataDir) ?? name.Replace('/', '_') + ".pgetcd";
        return path.Contains('\0')
            ? throw new FlagException($"{values.Label(Flags.DataDir)} must not contain a null character.")
            : Path.GetFullPath(path);
    }

    /// <summary>The URLs for clients. A client cannot connect to 0.0.0.0, so it gets this machine's name instead; a socket is named only if
    /// there is nothing else.</summary>
    private static string[] Reachable(IReadOnlyList<ListenUrl> listen)
    {
        string[] urls = [.. listen.Where(url => url.SocketPath is null).Select(
            url => url.IsUnspecified ? url.WithHost(Dns.GetHostName()) : url.ToString())];
        return urls.Length > 0 ? urls : [.. listen.Select(url => url.ToString())];
    }
}
