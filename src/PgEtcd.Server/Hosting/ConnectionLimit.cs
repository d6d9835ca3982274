using System.Globalization;

namespace PgEtcd.Server.Hosting;

/// <summary>The limit of client connections. As in etcd it is the number of files that the process may open, less those that the server
/// itself needs: without the limit a flood of clients could cost the server its database. A connection beyond the limit is closed at
/// once, and no other is affected.</summary>
internal static class ConnectionLimit
{
    /// <summary>etcd reserves 150. This process has 250 open without any client: libraries, then PostgreSQL's connections.</summary>
    private const int Reserved = 512;

    /// <summary>The least share of the limit that clients get (one part in this many), for low limits.</summary>
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
