using System.Globalization;

namespace PgEtcd.Bench;

/// <summary>A control group of Linux: the cores are shared between groups, and then between the processes of a group. Services and
/// containers have groups, so where the cores are busy each server has one, and so has the other work.</summary>
public sealed class ControlGroup : IDisposable
{
    private const int PeriodMicroseconds = 5_000;
    private static readonly bool IsUnified = !Directory.Exists("/sys/fs/cgroup/cpu");
    private static readonly string Root = IsUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/cpu";
    private readonly string _directory;

    /// <summary>Makes a group, which needs root.</summary>
    /// <param name="name">A part of its name.</param>
    /// <exception cref="BenchException">The group cannot be made here.</exception>
    public ControlGroup(string name)
    {
        _directory = $"{Root}/bench-{Environment.ProcessId}-{name.Replace(' ', '-')}";
        try
        {
            if (IsUnified)
            {
                File.WriteAllText($"{Root}/cgroup.subtree_control", "+cpu");
            }

            Directory.CreateDirectory(_directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BenchException($"--busy and --cores need control groups: {exception.Message}");
        }
    }

    /// <summary>A shell command with which a process enters the group, and with it the processes that it starts later.</summary>
    public string Enter => $"echo $$ >{_directory}/cgroup.procs";

    /// <summary>Moves processes out of all groups.</summary>
    public static void Free(IEnumerable<int> processes)
    {
        foreach (int process in processes)
        {
            File.WriteAllText($"{Root}/cgroup.procs", process.ToString(CultureInfo.InvariantCulture));
        }
    }

    /// <summary>Limits the CPU time of the group.</summary>
    /// <param name="cores">Seconds of CPU per second.</param>
    public void Limit(double cores)
    {
        int quota = (int)(cores * PeriodMicroseconds);
        if (IsUnified)
        {
            File.WriteAllText($"{_directory}/cpu.max", $"{quota} {PeriodMicroseconds}");
        }
        else
        {
            File.WriteAllText($"{_directory}/cpu.cfs_period_us", $"{PeriodMicroseconds}");
            File.WriteAllText($"{_directory}/cpu.cfs_quota_us", $"{quota}");
        }
    }

    /// <summary>Removes the group, whose processes must have ended.</summary>
    public void Dispose()
    {
        try
        {
            Directory.Delete(_directory);
        }
        catch (IOException)
        {
            // A process is still ending. An empty group costs nothing.
        }
    }
}
