using System.Globalization;
using System.Text.RegularExpressions;

namespace PgEtcd.Protocol;

/// <summary>Durations as Go writes them, such as "1h30m" or "1.5s", and also in days, which Go lacks, such as "30d".</summary>
public static partial class Durations
{
    /// <summary>The longest duration in Go, 292 years.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromTicks(long.MaxValue / 100);

    private static readonly (string Name, double Ticks)[] Units =
    [
        ("ns", 0.01), ("us", 10), ("\u00b5s", 10), ("\u03bcs", 10), ("ms", TimeSpan.TicksPerMillisecond), ("s", TimeSpan.TicksPerSecond),
        ("m", TimeSpan.TicksPerMinute), ("h", TimeSpan.TicksPerHour), ("d", TimeSpan.TicksPerDay),
    ];

    /// <summary>Formats a duration for people in s, ms or µs, with at most three decimal places.</summary>
    public static string Format(TimeSpan duration)
    {
        (double number, string unit) = duration.TotalSeconds >= 1 ? (duration.TotalSeconds, "s")
            : duration.TotalMilliseconds >= 1 ? (duration.TotalMilliseconds, "ms")
            : (duration.TotalMicroseconds, "\u00b5s");
        return string.Create(CultureInfo.InvariantCulture, $"{number:0.###}{unit}");
    }

    /// <summary>Parses a duration that is not negative.</summary>
    /// <returns>Null if the text is not one.</returns>
    public static TimeSpan? Parse(string text)
    {
        if (text == "0")
        {
            return TimeSpan.Zero;
        }

        Match parts = Parts().Match(text);
        double ticks = 0;
        foreach ((Capture number, Capture unit) in parts.Groups["number"].Captures.Zip(parts.Groups["unit"].Captures))
        {
            ticks += double.Parse(number.ValueSpan, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture)
                * Array.Find(Units, one => one.Name == unit.Value).Ticks;
        }

        return parts.Success && ticks <= Longest.Ticks ? TimeSpan.FromTicks((long)ticks) : null;
    }

    [GeneratedRegex(@"^((?<number>[0-9]+\.?[0-9]*|\.[0-9]+)(?<unit>ns|us|\u00b5s|\u03bcs|ms|s|m|h|d))+\z")]
    private static partial Regex Parts();
}
