using System.Buffers;
using System.Globalization;

namespace PgEtcd.Protocol;

/// <summary>Durations as Go writes them, such as "1h30m" or "1.5s", and also in days, which Go lacks, such as "30d".</summary>
public static class Durations
{
    /// <summary>The longest duration in Go, 292 years.</summary>
    private static readonly TimeSpan Longest = TimeSpan.FromTicks(long.MaxValue / 100);

    private static readonly SearchValues<char> NumberCharacters = SearchValues.Create("0123456789.");

    // "ms" must come before "m".
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

        double ticks = 0;
        ReadOnlySpan<char> rest = text;
        do
        {
            int digits = rest.IndexOfAnyExcept(NumberCharacters);
            if (digits <= 0
                || !double.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out double number))
            {
                return null;
            }

            rest = rest[digits..];
            double unit = 0;
            foreach ((string name, double length) in Units)
            {
                if (rest.StartsWith(name, StringComparison.Ordinal))
                {
                    unit = length;
                    rest = rest[name.Length..];
                    break;
                }
            }

            if (unit == 0)
            {
                return null;
            }

            ticks += number * unit;
        }
        while (!rest.IsEmpty);

        return ticks <= Longest.Ticks ? TimeSpan.FromTicks((long)ticks) : null;
    }
}
