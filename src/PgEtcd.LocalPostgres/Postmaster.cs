using System.Diagnostics;
using System.Runtime.InteropServices;

namespace PgEtcd.LocalPostgres;

/// <summary>A running PostgreSQL, whether this process started it or not.</summary>
internal sealed class Postmaster(Process process, string socketDirectory) : IDisposable
{
    private const int Interrupt = 2;
    private const int Quit = 3;
    private const long LargestLog = 16 << 20;
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan FastShutdown = TimeSpan.FromSeconds(60);

    public int Pid { get; } = process.Id;

    public string SocketDirectory => socketDirectory;

    /// <summary>Completes when the process ends.</summary>
    public Task WaitForExitAsync(CancellationToken cancellationToken) => process.WaitForExitAsync(cancellationToken);

    /// <summary>The postmaster of the cluster once it is ready; null if none runs.</summary>
    public static async Task<Postmaster?> AdoptAsync(DataDirectory directory, CancellationToken cancellationToken)
    {
        while (PostmasterFile.OfRunning(directory.Cluster) is { } file)
        {
            if (file.Status == "ready" && Find(file.Pid) is { } process)
            {
                return new Postmaster(process, file.SocketDirectory);
            }

            // It is starting or stopping: it either becomes ready or goes away.
            await Task.Delay(Poll, cancellationToken);
        }

        return null;
    }

    /// <summary>Starts PostgreSQL and waits until it accepts connections; a recovery after a crash may take its time.</summary>
    /// <returns>Null if it refused because processes of a killed one are about to end: try again.</returns>
    /// <exception cref="LocalPostgresException">It ended; the message has its last lines.</exception>
    public static async Task<Postmaster?> StartAsync(
        DataDirectory directory, PostgresBinaries binaries, PostgresUser user, CancellationToken cancellationToken)
    {
        if (File.Exists(directory.Log) && new FileInfo(directory.Log).Length > LargestLog)
        {
            File.Move(directory.Log, directory.Log + ".1", overwrite: true);
        }

        // It gets a session of its own: Ctrl-C in the terminal is for pgetcd alone, which stops PostgreSQL after draining. Its
        // output goes to a file and not to a pipe of this process, so that it outlives the process.
        long before = File.Exists(directory.Log) ? new FileInfo(directory.Log).Length : 0;
        Process process = new()
        {
            StartInfo = Command.StartInfo(
            [
                "/bin/sh", "-c", "log=$1; shift; umask 077; exec \"$@\" >>\"$log\" 2>&1 </dev/null", "sh", directory.Log,
                .. user.As("setsid", binaries.Postgres, "-D", directory.Cluster),
            ]),
        };
        process.Start();
        while (!process.HasExited)
        {
            if (PostmasterFile.OfRunning(directory.Cluster) is { Status: "ready" } file && file.Pid == process.Id)
            {
                return new Postmaster(process, file.SocketDirectory);
            }

            try
            {
                await Task.Delay(Poll, cancellationToken);
            }
            catch (OperationCanceledException)
            {
                await EndAsync(process);
                process.Dispose();
                throw;
            }
        }

        process.Dispose();
        string said = await SaidSinceAsync(directory.Log, before);
        return said.Contains("pre-existing shared memory block", StringComparison.Ordinal)
            ? null
            : throw new LocalPostgresException(
                $"PostgreSQL did not start in {directory.Path}: {Command.Tail(said)} (see {directory.Log}).");
    }

    /// <summary>Stops PostgreSQL like "pg_ctl stop -m fast": sessions are cut off, everything is written.</summary>
    public Task StopAsync() => EndAsync(process);

    public void Dispose() => process.Dispose();

    private static async Task EndAsync(Process process)
    {
        Signal(process, Interrupt);
        using CancellationTokenSource patience = new(FastShutdown);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            // There is no last checkpoint: the next start recovers from the log, and nothing is lost.
            Signal(process, Quit);
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    private static void Signal(Process process, int signal)
    {
        if (!process.HasExited)
        {
            _ = Kill(process.Id, signal);
        }
    }

    private static Process? Find(int pid)
    {
        try
        {
            return Process.GetProcessById(pid);
        }
        catch (ArgumentException)
        {
            return null;
        }
    }

    private static async Task<string> SaidSinceAsync(string log, long position)
    {
        await using FileStream file = new(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
        file.Position = Math.Min(position, file.Length);
        using StreamReader reader = new(file);
        return await reader.ReadToEndAsync();
    }

    [DllImport("libc", EntryPoint = "kill", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int pid, int signal);
}
