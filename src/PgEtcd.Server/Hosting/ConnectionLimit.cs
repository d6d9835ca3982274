using System.Globalization;

namespace PgEtcd.Server.Hosting;

/// <summary>Most connections of clients at a time. As in etcd as many as the process may have open files, but for those that the server
/// itself needs: without the limit a flood of clients would cost it its database. One more is closed at once, and no other is
/// affected.</summary>
internal static class ConnectionLimit
{
    /// <summary>etcd keeps 150. We have 250 open without any client: libraries, then PostgreSQL's connections.</summary>
    private const int Reserved = 512;

    /// <summary>Where there are few files at all.</summary>
    private const int LeastShare = 4;

    private const string Limits = "/proc/self/limits";
    private const string OpenFiles = "Max open files";

    /// <summary>Reads the limit; null when there is none.</summary>
    public static long? Read()
    {
        string? line = File.Exists(Limits)
            ? File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith(OpenFiles, StringComparison.Ordinal))
            : null;
        // The soft limit comes first. The runtime has raised it to the hard one.
        return line?[OpenFiles.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..]
            && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out long files)
                ? Math.Max(files - Reserved, files / LeastShare)
                : null;
    }
}
