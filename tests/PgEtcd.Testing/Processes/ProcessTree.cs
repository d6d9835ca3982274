using System.Globalization;
using System.Runtime.InteropServices;

namespace PgEtcd.Testing.Processes;

/// <summary>The child processes of a process under test.</summary>
public static partial class ProcessTree
{
    /// <summary>The ids of the children; empty if the process does not exist.</summary>
    public static IReadOnlyList<int> ChildrenOf(int pid)
    {
        string path = $"/proc/{pid}/task/{pid}/children";
        return File.Exists(path)
            ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(
                child => int.Parse(child, CultureInfo.InvariantCulture))]
            : [];
    }

    /// <summary>Sends a signal to a process, if it exists.</summary>
    public static void Signal(int pid, UnixSignal signal) => _ = Kill(pid, (int)signal);

    /// <summary>Kills a process, if it exists.</summary>
    public static void Kill(int pid) => Signal(pid, UnixSignal.Kill);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
