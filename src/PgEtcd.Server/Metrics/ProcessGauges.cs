using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace PgEtcd.Server.Metrics;

/// <summary>The process's use of the machine, under the names that all of Prometheus' client libraries use. The numbers that Go's
/// library gives of its runtime exist for .NET's under .NET's own names.</summary>
internal sealed class ProcessGauges : IDisposable
{
    private readonly Meter _meter = new("PgEtcd.Server.Process");
    private readonly Process _process = Process.GetCurrentProcess();

    public ProcessGauges()
    {
        double started = (_process.StartTime.ToUniversalTime() - DateTime.UnixEpoch).TotalSeconds;
        Gauge("process_start_time_seconds", "Start time of the process since unix epoch in seconds.", () => started);
        Gauge("process_resident_memory_bytes", "Resident memory size in bytes.", () => Refreshed().WorkingSet64);
        Gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", () => Refreshed().VirtualMemorySize64);
        Gauge(
            "process_virtual_memory_max_bytes", "Maximum amount of virtual memory available in bytes.",
            () => (double?)Limit("Max address space") ?? ulong.MaxValue);
        Counter(
            "process_cpu_seconds_total", "Total user and system CPU time spent in seconds.",
            () => Environment.CpuUsage.TotalTime.TotalSeconds);
        foreach ((string used, string limit) in new[] { ("process_open_fds", "process_max_fds"), ("os_fd_used", "os_fd_limit") })
        {
            Gauge(used, "Number of open file descriptors.", () => OpenFiles);
            Gauge(limit, "Maximum number of open file descriptors.", () => MaxFiles ?? -1);
        }

        _meter.CreateObservableCounter(
            "dotnet_gc_collections_total",
            () => Enumerable.Range(0, GC.MaxGeneration + 1).Select(
                generation => new Measurement<long>(
                    GC.CollectionCount(generation), new KeyValuePair<string, object?>("generation", generation))),
            null,
            "Garbage collections, each counted with its own generation and those below.");
        Gauge("dotnet_gc_heap_bytes", "Bytes on the heaps after the last garbage collection.", () => GC.GetGCMemoryInfo().HeapSizeBytes);
        Counter(
            "dotnet_gc_pause_seconds_total", "How long garbage collection has stopped all threads.",
            () => GC.GetTotalPauseDuration().TotalSeconds);
        Counter("dotnet_gc_allocated_bytes_total", "Bytes allocated.", () => GC.GetTotalAllocatedBytes());
        Gauge("dotnet_threadpool_threads", "Threads of the pool.", () => ThreadPool.ThreadCount);
        Gauge("dotnet_threadpool_queue_length", "Work that waits for a thread of the pool.", () => ThreadPool.PendingWorkItemCount);
    }

    /// <summary>The number of open files and sockets.</summary>
    public static int OpenFiles => Directory.EnumerateFileSystemEntries("/proc/self/fd").Count();

    /// <summary>The limit of that number, which the runtime has raised as far as it may; null if there is none.</summary>
    public static long? MaxFiles => Limit("Max open files");

    /// <inheritdoc/>
    public void Dispose()
    {
        _meter.Dispose();
        _process.Dispose();
    }

    /// <summary>A limit of the process by the kernel's name for it; null if there is none.</summary>
    private static long? Limit(string name)
    {
        // "Max open files            1024                 1048576              files"
        string? line = File.ReadLines("/proc/self/limits").FirstOrDefault(limit => limit.StartsWith(name, StringComparison.Ordinal));
        return line?.Split(' ', StringSplitOptions.RemoveEmptyEntries) is [_, _, _, var soft, ..] && long.TryParse(soft, out long most)
            ? most
            : null;
    }

    private Process Refreshed()
    {
        _process.Refresh();
        return _process;
    }

    private void Gauge(string name, string help, Func<double> value) => _meter.CreateObservableGauge(name, value, null, help);

    private void Counter(string name, string help, Func<double> value) => _meter.CreateObservableCounter(name, value, null, help);
}
