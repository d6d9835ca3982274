using System.Diagnostics;

namespace PgEtcd.Bench;

/// <summary>Keeps each core busy with a process that only computes, as on a busy machine.</summary>
public sealed class OtherWork : IDisposable
{
    private readonly ControlGroup _group = new("other-work");
    private readonly List<Process> _processes = [];

    /// <summary>Starts the processes.</summary>
    public OtherWork()
    {
        for (int i = 0; i < Environment.ProcessorCount; i++)
        {
            _processes.Add(Process.Start("/bin/sh", ["-c", $"{_group.Enter}; while :; do :; done"]));
        }
    }

    /// <summary>Ends the processes.</summary>
    public void Dispose()
    {
        foreach (Process process in _processes)
        {
            process.Kill();
            process.WaitForExit();
            process.Dispose();
        }

        _group.Dispose();
    }
}
