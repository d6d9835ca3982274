using System.Collections.Concurrent;
using System.Diagnostics;

namespace PgEtcd.Testing.Processes;

/// <summary>
/// A server started by a test. Signals go only to this process, by its id; a process that still runs at the end
/// of the test run is killed.
/// </summary>
public sealed class ChildProcess : IAsyncDisposable
{
    private static readonly ConcurrentDictionary<int, ChildProcess> Running = new();
    private static readonly TimeSpan ExitLimit = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private bool _isDisposed;
    private readonly OutputTail _output = new();

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        foreach (ChildProcess child in Running.Values)
        {
            child.Signal(UnixSignal.Kill);
        }
    };

    private ChildProcess(string name, Process process, Action<string>? onLine)
    {
        Name = name;
        _process = process;
        Pid = process.Id;
        process.OutputDataReceived += (_, e) => Add(e.Data);
        process.ErrorDataReceived += (_, e) => Add(e.Data);
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        Running[Pid] = this;

        void Add(string? line)
        {
            if (line is not null)
            {
                _output.Add(line);
                onLine?.Invoke(line);
            }
        }
    }

    /// <summary>The name for messages.</summary>
    public string Name { get; }

    /// <summary>The process id.</summary>
    public int Pid { get; }

    /// <summary>Whether it has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The exit code; 128 + the signal if it was killed.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The last lines of its stdout and stderr.</summary>
    public string Output => _output.ToString();

    /// <summary>Starts a program.</summary>
    /// <param name="name">The name for messages.</param>
    /// <param name="program">The path of the program.</param>
    /// <param name="arguments">The arguments.</param>
    /// <param name="environment">Variables in addition to those of the tests.</param>
    /// <param name="workingDirectory">The working directory; by default that of temporary files.</param>
    /// <param name="onLine">Called with each line of output.</param>
    public static ChildProcess Start(
        string name,
        string program,
        IEnumerable<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null,
        string? workingDirectory = null,
        Action<string>? onLine = null)
    {
        ProcessStartInfo info = new(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            RedirectStandardInput = true,
            WorkingDirectory = workingDirectory ?? Path.GetTempPath(),
        };
        foreach ((string key, string value) in environment ?? new Dictionary<string, string>())
        {
            info.Environment[key] = value;
        }

        Process process = Process.Start(info) ?? throw new InvalidOperationException($"{program} did not start.");
        process.StandardInput.Close();
        return new ChildProcess(name, process, onLine);
    }

    /// <summary>Sends a signal, unless the process has ended.</summary>
    public void Signal(UnixSignal signal)
    {
        if (!_process.HasExited)
        {
            ProcessTree.Signal(Pid, signal);
        }
    }

    /// <summary>Waits for the end.</summary>
    /// <exception cref="TimeoutException">It did not end in time (60 s by default).</exception>
    public async Task<int> WaitForExitAsync(TimeSpan? limit = null)
    {
        try
        {
            await _process.WaitForExitAsync().WaitAsync(limit ?? ExitLimit).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            throw new TimeoutException($"{Name} (pid {Pid}) did not end in time. It said:\n{Output}", e);
        }

        Running.TryRemove(Pid, out _);
        return _process.ExitCode;
    }

    /// <summary>Waits for a condition while the process runs.</summary>
    public Task WaitUntilAsync(Func<Task<bool>> condition, TimeSpan limit, string what) =>
        Eventually.TrueAsync(
            () => HasExited
                ? throw new GaveUpException($"{Name} ended with exit code {ExitCode} before this was true: {what}. It said:\n{Output}")
                : condition(),
            limit,
            $"{what} ({Name}, pid {Pid})");

    /// <inheritdoc cref="WaitUntilAsync(Func{Task{bool}}, TimeSpan, string)"/>
    public Task WaitUntilAsync(Func<Task<bool>> condition, string what) => WaitUntilAsync(condition, Eventually.Patience, what);

    /// <summary>Kills the process if it still runs.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _isDisposed, true))
        {
            return;
        }

        Signal(UnixSignal.Kill);
        await WaitForExitAsync().ConfigureAwait(false);
        _process.Dispose();
    }
}
