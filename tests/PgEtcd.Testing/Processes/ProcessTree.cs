using System.Globalization;
using System.Runtime.InteropServices;

namespace PgEtcd.Testing.Processes;

/// <summary>The processes that a process of ours has started itself.</summary>
internal static partial class ProcessTree
{
    public static IReadOnlyList<int> ChildrenOf(int pid)
    {
        string path = $"/proc/{pid}/task/{pid}/children";
        return File.Exists(path)
            ? [.. File.ReadAllText(path).Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(child => int.Parse(child, CultureInfo.InvariantCulture))]
            : [];
    }

    public static void Signal(int pid, UnixSignal signal) => _ = Kill(pid, (int)signal);

    [LibraryImport("libc", EntryPoint = "kill")]
    private static partial int Kill(int pid, int signal);
}
