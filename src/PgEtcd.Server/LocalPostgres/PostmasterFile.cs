using System.Globalization;

namespace PgEtcd.Server.LocalPostgres;

/// <summary>What postmaster.pid says of a running PostgreSQL.</summary>
/// <param name="Pid">Of the postmaster.</param>
/// <param name="SocketDirectory">Where its socket is; empty while it starts.</param>
/// <param name="Status">starting, ready, stopping or standby; empty while it starts.</param>
internal sealed record PostmasterFile(int Pid, string SocketDirectory, string Status)
{
    /// <summary>Reads the file of the postmaster that runs on the cluster, or null: no file, a stale one, or one half written.</summary>
    public static PostmasterFile? OfRunning(string clusterDirectory)
    {
        var text = Read(Path.Combine(clusterDirectory, "postmaster.pid"));
        var lines = text?.Split('\n') ?? [];
        if (lines.Length < 2 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out var pid))
        {
            return null;
        }

        // After a crash the number may belong to any process by now. A postmaster works in its cluster's directory, so
        // the same file can be read through it; nobody else's directory has it.
        var isPostmaster = Read($"/proc/{pid}/comm")?.Trim() is "postgres" or "postmaster" && Read($"/proc/{pid}/cwd/postmaster.pid") is { } same && same.Split('\n')[0] == lines[0];
        return isPostmaster
            ? new PostmasterFile(pid, lines.ElementAtOrDefault(4)?.Trim() ?? "", lines.ElementAtOrDefault(7)?.Trim() ?? "")
            : null;
    }

    private static string? Read(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
