using System.Globalization;
using System.Text.RegularExpressions;
using PgEtcd.Postgres.Browsing;

namespace PgEtcd.Console.Visits;

/// <summary>The moment that a page shows: the present, or a revision.</summary>
/// <param name="Marks">The present, oldest and compact revisions of the store.</param>
/// <param name="At">The revision; null for the present.</param>
/// <param name="Time">The time of the revision; null for the present, and if it is no longer known.</param>
internal sealed record Moment(StoreMarks Marks, long? At, DateTime? Time)
{
    /// <summary>Whether the moment is a revision in the past.</summary>
    public bool IsPast => At is not null;

    /// <summary>The revision, also for the present.</summary>
    public long Revision => At ?? Marks.Revision;

    /// <summary>Why the revision cannot be shown; null if it can.</summary>
    public string? Problem { get; init; }
}

/// <summary>Parses a moment as people write it.</summary>
internal static partial class MomentText
{
    /// <summary>Parses a revision, a time span ago, or a date and time (UTC unless it has an offset). All are null if the text is none of
    /// these.</summary>
    public static (long? Revision, TimeSpan? Ago, DateTime? Time) Parse(string text)
    {
        text = text.Trim();
        return long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long revision) ? (revision, null, null)
            : Ago().Match(text) is { Success: true } match ? (null, AgoOf(match), null)
            : DateTime.TryParse(
                text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out DateTime time)
                ? (null, null, time)
            : (null, null, null);
    }

    private static TimeSpan? AgoOf(Match match)
    {
        double number = double.Parse(match.Groups["number"].Value, CultureInfo.InvariantCulture);
        double seconds = number * match.Groups["unit"].Value[0] switch
        {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            _ => 604_800,
        };
        return seconds < TimeSpan.FromDays(36_500).TotalSeconds ? TimeSpan.FromSeconds(seconds) : null;
    }

    [GeneratedRegex(
        @"^(?<number>\d{1,9}(\.\d{1,3})?)\s*(?<unit>s|secs?|seconds?|m|mins?|minutes?|h|hours?|d|days?|w|weeks?)(\s+ago)?$",
        RegexOptions.CultureInvariant)]
    private static partial Regex Ago();
}
