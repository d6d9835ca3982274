using System.Globalization;

namespace PgEtcd.LocalPostgres;

/// <summary>The content of postmaster.pid.</summary>
/// <param name="Pid">The postmaster's process id.</param>
/// <param name="SocketDirectory">The socket's directory; empty while it starts.</param>
/// <param name="Status">starting, ready, stopping or standby; empty while it starts.</param>
internal sealed record PostmasterFile(int Pid, string SocketDirectory, string Status)
{
    /// <summary>Reads the file of the cluster's running postmaster; null if the file is missing, stale or incomplete.</summary>
    public static PostmasterFile? OfRunning(string clusterDirectory)
    {
        string? text = Read(PathIn(clusterDirectory));
        string[] lines = text?.Split('\n') ?? [];
        if (lines.Length < 2 || !int.TryParse(lines[0], CultureInfo.InvariantCulture, out int pid))
        {
            return null;
        }

        // After a crash the number may belong to any process.
        bool isPostmaster = IsPostgres(pid) && (WorksWith(pid, lines[0]) ?? WasStartedOn(pid, clusterDirectory));
        return isPostmaster
            ? new PostmasterFile(pid, lines.ElementAtOrDefault(4)?.Trim() ?? "", lines.ElementAtOrDefault(7)?.Trim() ?? "")
            : null;
    }

    /// <summary>
    /// Removes the file if its number now belongs to a process that is not PostgreSQL, which would make the next start refuse. Processes
    /// that a killed postmaster left are still noticed by the shared memory that they hold.
    /// </summary>
    public static void RemoveIfStale(string clusterDirectory)
    {
        string path = PathIn(clusterDirectory);
        if (Read(path) is { } text && int.TryParse(text.Split('\n')[0], CultureInfo.InvariantCulture, out int pid) && !IsPostgres(pid))
        {
            File.Delete(path);
        }
    }

    /// <summary>Whether the process works in a directory with the same file, as only the postmaster of its cluster does. Null if that
    /// cannot be found out: the process is another user's, and root lacks CAP_SYS_PTRACE, as in a container.</summary>
    private static bool? WorksWith(int pid, string firstLine)
    {
        try
        {
            return File.ReadAllText(PathIn($"/proc/{pid}/cwd")).Split('\n')[0] == firstLine;
        }
        catch (UnauthorizedAccessException)
        {
            return null;
        }
        catch (IOException)
        {
            return false;
        }
    }

    /// <summary>Whether the process was started with the cluster's directory as an argument, which every user may see.</summary>
    private static bool WasStartedOn(int pid, string clusterDirectory) =>
        Read($"/proc/{pid}/cmdline")?.Split('\0').Any(word => word.EndsWith(clusterDirectory, StringComparison.Ordinal)) == true;

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
