namespace PgEtcd.Bench;

/// <summary>A control group of Linux: the cores are shared between groups, and then between the processes of a group. Services and
/// containers have groups, so where the cores are busy each server has one, and so has the other work.</summary>
public sealed class ControlGroup : IDisposable
{
    private const string Root = "/sys/fs/cgroup";
    private readonly string _directory;

    /// <summary>Makes a group, which needs root.</summary>
    /// <param name="name">A part of its name.</param>
    /// <exception cref="BenchException">The group cannot be made here.</exception>
    public ControlGroup(string name)
    {
        bool isUnified = !Directory.Exists($"{Root}/cpu");
        _directory = $"{Root}{(isUnified ? "" : "/cpu")}/bench-{Environment.ProcessId}-{name.Replace(' ', '-')}";
        try
        {
            if (isUnified)
            {
                File.WriteAllText($"{Root}/cgroup.subtree_control", "+cpu");
            }

            Directory.CreateDirectory(_directory);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new BenchException($"--busy needs control groups: {exception.Message}");
        }
    }

    /// <summary>A shell command with which a process enters the group, and with it the processes that it starts later.</summary>
    public string Enter => $"echo $$ >{_directory}/cgroup.procs";

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
