using System.Net;

namespace PgEtcd.Server.Configuration;

/// <summary>Checks every flag and puts them together.</summary>
internal static class OptionsBuilder
{
    /// <summary>Largest accepted --max-request-bytes. A message must fit into one array with room for its frame.</summary>
    private const int MostRequestBytes = 1 << 30;

    /// <exception cref="FlagException">The first flag that is wrong.</exception>
    public static ServerOptions Build(Dictionary<string, string> given, IReadOnlyDictionary<string, string> environment)
    {
        var values = new FlagValues(given, environment);
        var name = values.Text(Flags.Name);
        var listen = Urls.Listen(values.Label(Flags.ListenClientUrls), values.Text(Flags.ListenClientUrls));
        return new ServerOptions
        {
            Name = name,
            Database = values.OptionalText(Flags.Database) is { } database
                ? DatabaseAddress.ToConnectionString(values.Label(Flags.Database), database)
                : null,
            Schema = Schemas.Check(values.Label(Flags.Schema), values.Text(Flags.Schema)),
            DataDir = DataDir(values, name),
            DataDirIsDefault = !values.IsGiven(Flags.DataDir),
            ListenClientUrls = listen,
            AdvertiseClientUrls = values.OptionalText(Flags.AdvertiseClientUrls) is { } urls
                ? Urls.Advertise(values.Label(Flags.AdvertiseClientUrls), urls)
                : [.. listen.Select(Reachable)],
            MaxRequestBytes = values.Number(Flags.MaxRequestBytes, 1, MostRequestBytes),
            MaxTxnOps = values.Number(Flags.MaxTxnOps, 1, int.MaxValue),
            InitialClusterToken = values.Text(Flags.InitialClusterToken),
            InitialAdvertisePeerUrls = Urls.Advertise(
                values.Label(Flags.InitialAdvertisePeerUrls), values.Text(Flags.InitialAdvertisePeerUrls)),
            // etcd's own bounds: five heartbeats of 100 ms at least, 50 s at most.
            ElectionTimeout = TimeSpan.FromMilliseconds(values.Number(Flags.ElectionTimeout, 500, 50_000)),
            LogLevel = Level(values.Label(Flags.LogLevel), values.Text(Flags.LogLevel)),
            Compaction = CompactionOptions.From(values),
            WatchProgressNotifyInterval = ProgressInterval(values),
            SqlWriteTimeout = SqlWriteTimeout(values),
            Warnings = [.. Warnings(given.Keys, environment)],
        };
    }

    /// <summary>0 stands for the default, as in etcd.</summary>
    private static TimeSpan ProgressInterval(FlagValues values)
    {
        Flag flag = values.Either(Flags.WatchProgressNotifyInterval, Flags.ExperimentalWatchProgressNotifyInterval);
        TimeSpan interval = values.Duration(flag);
        return interval == TimeSpan.Zero ? Durations.Parse(flag.Default!)!.Value
            : interval >= TimeSpan.FromMilliseconds(100) ? interval
            : throw new FlagException($"{values.Label(flag)} must be at least 100ms, not \"{FlagValues.Shown(values.Text(flag))}\".");
    }

    private static TimeSpan SqlWriteTimeout(FlagValues values)
    {
        TimeSpan limit = values.Duration(Flags.SqlWriteTimeout);
        return limit == TimeSpan.Zero || limit >= TimeSpan.FromMilliseconds(100)
            ? limit
            : throw new FlagException($"{values.Label(Flags.SqlWriteTimeout)} must be 0 or at least 100ms, not \"{FlagValues.Shown(values.Text(Flags.SqlWriteTimeout))}\".");
    }

    private static string DataDir(FlagValues values, string name)
    {
        var path = values.OptionalText(Flags.DataDir) ?? name.Replace('/', '_') + ".pgetcd";
        return path.Contains('\0')
            ? throw new FlagException($"{values.Label(Flags.DataDir)} must not contain a null character.")
            : Path.GetFullPath(path);
    }

    /// <summary>A client cannot connect to 0.0.0.0, so it is told this machine's name instead.</summary>
    private static string Reachable(ListenUrl url) =>
        url.IsUnspecified ? ListenUrl.Format(Dns.GetHostName(), url.Port) : url.ToString();

    private static LogLevel Level(string label, string text) => text switch
    {
        "debug" => LogLevel.Debug,
        "info" => LogLevel.Information,
        "warn" => LogLevel.Warning,
        "error" => LogLevel.Error,
        "panic" or "fatal" => LogLevel.Critical,
        _ => throw new FlagException($"{label} must be debug, info, warn, error, panic or fatal, not \"{FlagValues.Shown(text)}\"."),
    };

    private static IEnumerable<string> Warnings(IEnumerable<string> given, IReadOnlyDictionary<string, string> environment)
    {
        foreach (var name in given.Intersect(Flags.WithoutMeaning))
        {
            yield return $"--{name} is accepted for etcd's sake and has no effect.";
        }

        var known = Flags.All.Where(flag => !flag.IsOurs).Select(flag => flag.Variable).ToHashSet();
        foreach (var variable in environment.Keys.Where(v => v.StartsWith("ETCD_", StringComparison.Ordinal) && !known.Contains(v)).Order())
        {
            yield return $"The environment variable {variable} has no effect.";
        }
    }
}
