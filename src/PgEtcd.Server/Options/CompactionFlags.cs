using System.Globalization;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Protocol;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Reads the flags about compaction and the archive.</summary>
internal static class CompactionFlags
{
    /// <exception cref="FlagException">A value is wrong.</exception>
    public static CompactionOptions Read(FlagValues values)
    {
        CompactionOptions options = new();
        int batchLimit = values.Number(Flags.CompactionBatchLimit, 0, 1_000_000);
        TimeSpan sleepInterval = values.Duration(Flags.CompactionSleepInterval);
        options = options with
        {
            // As in etcd, 0 stands for the default.
            BatchLimit = batchLimit == 0 ? options.BatchLimit : batchLimit,
            SleepInterval = sleepInterval == TimeSpan.Zero ? options.SleepInterval : sleepInterval,
            HistoryRetention = values.Duration(Flags.HistoryRetention),
        };
        return values.OneOf(Flags.AutoCompactionMode, ("periodic", true), ("revision", false))
            ? options with { RetainedPeriod = Period(values) }
            : options with { RetainedRevisions = Revisions(values) };
    }

    /// <summary>The period; a whole number means hours.</summary>
    private static TimeSpan Period(FlagValues values)
    {
        string text = values.Text(Flags.AutoCompactionRetention);
        TimeSpan? period = text.All(char.IsAsciiDigit) ? Durations.Parse(text + "h") : Durations.Parse(text);
        return period ?? throw values.Wrong(Flags.AutoCompactionRetention, "a number of hours or a duration such as 5m or 72h");
    }

    /// <summary>The number of revisions. etcd takes a duration, too, and retains as many revisions as it has nanoseconds, that is, all of
    /// them; it is refused here.</summary>
    private static long Revisions(FlagValues values) => long.TryParse(
        values.Text(Flags.AutoCompactionRetention), NumberStyles.None, CultureInfo.InvariantCulture, out long count)
            ? count
            : throw values.Wrong(Flags.AutoCompactionRetention, "a number of revisions with --auto-compaction-mode=revision");
}
