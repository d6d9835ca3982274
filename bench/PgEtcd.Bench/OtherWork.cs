using System.Diagnostics;

namespace PgEtcd.Bench;

/// <summary>A process for each core that does nothing but compute, as the neighbours on a busy machine do.</summary>
public sealed class OtherWork : IDisposable
{
    private readonly List<Process> _processes = [];

    /// <summary>Begins it.</summary>
    public OtherWork()
    {
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            _processes.Add(Process.Start("/bin/sh", ["-c", "while :; do :; done"]));
        }
    }

    /// <summary>Ends it.</summary>
    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill();
            process.Dispose();
        }
    }
}
