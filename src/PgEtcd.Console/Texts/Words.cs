using System.Globalization;

namespace PgEtcd.Console.Texts;

/// <summary>Formats numbers and times.</summary>
internal static class Words
{
    /// <summary>A number with commas between thousands.</summary>
    public static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);

    /// <summary>A size, e.g. 1.5 KiB.</summary>
    public static string Size(long bytes) => bytes switch
    {
        < 1024 => $"{bytes} B",
        < 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.#} KiB"),
        < 1024L * 1024 * 1024 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024:0.#} MiB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024 / 1024:0.##} GiB"),
    };

    /// <summary>A moment in UTC.</summary>
    public static string Time(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    /// <summary>A moment as a browser's script parses it.</summary>
    public static string Iso(DateTime time) => time.ToUniversalTime().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", CultureInfo.InvariantCulture);

    /// <summary>The time since a moment, e.g. 5 min ago.</summary>
    public static string Ago(DateTime time) => (DateTime.UtcNow - time.ToUniversalTime()) is var ago && ago < TimeSpan.FromSeconds(5)
        ? "just now"
        : $"{Duration(ago)} ago";

    /// <summary>A duration in its largest unit.</summary>
    public static string Duration(TimeSpan duration) => duration switch
    {
        { TotalSeconds: < 1 } => $"{(int)duration.TotalMilliseconds} ms",
        { TotalMinutes: < 1 } => $"{(int)duration.TotalSeconds} s",
        { TotalHours: < 1 } => $"{(int)duration.TotalMinutes} min",
        { TotalDays: < 1 } => $"{(int)duration.TotalHours} h {duration.Minutes} min",
        { TotalDays: < 60 } => $"{(int)duration.TotalDays} d {duration.Hours} h",
        _ => $"{(int)duration.TotalDays} days",
    };

    /// <summary>"1 key", "2 keys".</summary>
    public static string Count(long number, string noun) => number == 1 ? $"1 {noun}" : $"{Number(number)} {noun}s";

    /// <summary>"1,000+ keys", for an incomplete count.</summary>
    public static string AtLeast(long number, string noun) => $"{Number(number)}+ {noun}s";

    /// <summary>A lease id as etcdctl prints it.</summary>
    public static string Lease(long id) => id.ToString("x", CultureInfo.InvariantCulture);

    /// <summary>A client's address without gRPC's scheme and the port.</summary>
    public static string Address(string? client)
    {
        if (string.IsNullOrEmpty(client))
        {
            return "";
        }

        string address = client.StartsWith("ipv4:", StringComparison.Ordinal) || client.StartsWith("ipv6:", StringComparison.Ordinal)
            ? client[5..]
            : client;
        return address.LastIndexOf(':') is > 0 and var port && !address.StartsWith("unix", StringComparison.Ordinal)
            ? address[..port]
            : address;
    }
}
