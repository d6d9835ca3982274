using System.Globalization;

namespace PgEtcd.Api.Calls;

/// <summary>The grpc-timeout header: at most eight digits and a unit.</summary>
internal static class GrpcTimeout
{
    /// <summary>Parses the header; false if it is malformed.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan timeout)
    {
        timeout = default;
        long ticks = text switch
        {
            [.., 'H'] => TimeSpan.TicksPerHour,
            [.., 'M'] => TimeSpan.TicksPerMinute,
            [.., 'S'] => TimeSpan.TicksPerSecond,
            [.., 'm'] => TimeSpan.TicksPerMillisecond,
            [.., 'u'] => TimeSpan.TicksPerMicrosecond,
            [.., 'n'] => 0,
            _ => -1,
        };
        if (ticks < 0 || text.Length > 9
            || !long.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out long amount))
        {
            return false;
        }

        // Nanoseconds are finer than ticks. A deadline of centuries must not overflow a date.
        timeout = ticks == 0
            ? TimeSpan.FromTicks(amount / 100)
            : TimeSpan.FromTicks(Math.Min(amount * ticks, TimeSpan.FromDays(36500).Ticks));
        return true;
    }
}
