using System.Runtime.InteropServices;

namespace PgEtcd.Server.Hosting;

/// <summary>Lets this process run soon after it wakes while others keep the cores busy. A request consists of many short steps on several
/// threads, and before each step Linux would let another process finish its slice of 3 ms. A thread with a slice of 1 ms takes precedence
/// when it wakes (Linux 6.12 or newer; older kernels ignore the length); its share of the cores stays the same.</summary>
/// <remarks>bench/HISTORY.md has the gain, and the price where several frontends share saturated cores.</remarks>
internal static class SchedulingSlice
{
    private const ulong Nanoseconds = 1_000_000;
    private const uint NormalPolicy = 0; // SCHED_OTHER

    /// <summary>Shortens the slices of the calling thread, and of all threads and processes that descend from it, a private PostgreSQL
    /// included. A process that an operator has given another policy keeps it; where the kernel refuses, nothing happens.</summary>
    public static void Shorten()
    {
        (long get, long set) = RuntimeInformation.ProcessArchitecture switch
        {
            Architecture.X64 => (315L, 314L),
            Architecture.Arm64 => (275L, 274L),
            _ => (0, 0),
        };
        if (!OperatingSystem.IsLinux() || get == 0)
        {
            return;
        }

        Attributes attributes = default;
        if (Call(get, 0, ref attributes, Marshal.SizeOf<Attributes>(), 0) == 0 && attributes.Policy == NormalPolicy)
        {
            attributes.Runtime = Nanoseconds;
            _ = Call(set, 0, ref attributes, 0, 0);
        }
    }

    // sched_getattr(pid, attributes, size, flags) and sched_setattr(pid, attributes, flags), for which older libraries have no function.
    [DllImport("libc", EntryPoint = "syscall")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern long Call(long number, long pid, ref Attributes attributes, long third, long fourth);

    /// <summary>struct sched_attr, version 0 (sched_setattr(2)).</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct Attributes
    {
        public uint Size;
        public uint Policy;
        public ulong Flags;
        public int Nice;
        public uint Priority;
        public ulong Runtime;
        public ulong Deadline;
        public ulong Period;
    }
}
