using System.Globalization;

namespace PgEtcd.Server.Hosting;

/// <summary>Most connections of clients at a time, as in etcd: as many as the process may have open files, but for 150 that the server
/// itself needs. One more is closed at once, and nobody else notices.</summary>
internal static class ConnectionLimit
{
    private const int Reserved = 150;
    private const string Limits = "/proc/self/limits";
    private const string OpenFiles = "Max open files";

    /// <summary>Reads the limit; null when there is none.</summary>
    public static long? Read()
    {
        string? line = File.Exists(Limits) ? File.ReadLines(Limits).FirstOrDefault(line => line.StartsWith(OpenFiles, StringComparison.Ordinal)) : null;
        // The soft limit comes first. The runtime has raised it to the hard one.
        return line?[OpenFiles.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries) is [var soft, ..]
            && long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out long files)
                ? Math.Max(1, files - Reserved)
                : null;
    }
}
