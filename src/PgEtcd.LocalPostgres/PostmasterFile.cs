using System.Globalization;

namespace PgEtcd.LocalPostgres;

/// <summary>What postmaster.pid says of a running PostgreSQL.</summary>
/// <param name="Pid">Of the postmaster.</param>
/// <param name="SocketDirectory">Where its socket is; empty while it starts.</param>
/// <param name="Status">starting, ready, stopping or standby; empty while it starts.</param>
internal sealed record PostmasterFile(int Pid, string SocketDirectory, string Status)
{
    /// <summary>Reads the file of the postmaster that runs on the cluster, or null: no file, a stale one, or one half written.</summary>
    public static PostmasterFile? OfRunning(string clusterDirectory)
    {
        string? text = Read(PathIn(clusterDirectory));
        string[] lines = text?.Split('\n') ?? [];
        if (lines.Length < 2 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out int pid))
        {
            return null;
        }

        // After a crash the number may belong to any process by now. A postmaster works in its cluster's directory, so
        // the same file can be read through it; nobody else's directory has it.
        bool isPostmaster = IsPostgres(pid) && Read(PathIn($"/proc/{pid}/cwd")) is { } same && same.Split('\n')[0] == lines[0];
        return isPostmaster
            ? new PostmasterFile(pid, lines.ElementAtOrDefault(4)?.Trim() ?? "", lines.ElementAtOrDefault(7)?.Trim() ?? "")
            : null;
    }

    /// <summary>
    /// Removes the file if its number now belongs to something that is not PostgreSQL, which would make the next start
    /// refuse. Processes that a killed postmaster left are still noticed: by the shared memory that they hold.
    /// </summary>
    public static void RemoveIfStale(string clusterDirectory)
    {
        string path = PathIn(clusterDirectory);
        if (Read(path) is { } text && int.TryParse(text.Split('\n')[0], CultureInfo.InvariantCulture, out int pid) && !IsPostgres(pid))
        {
            File.Delete(path);
        }
    }

    private static string PathIn(string directory) => Path.Combine(directory, "postmaster.pid");

    private static bool IsPostgres(int pid) => Read($"/proc/{pid}/comm")?.Trim() is "postgres" or "postmaster";

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
