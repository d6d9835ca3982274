using System.Diagnostics;

namespace PgEtcd.Testing;

/// <summary>A temporary directory, deleted at disposal, and also when the test process ends without it.</summary>
public sealed class TempDirectory : IDisposable
{
    // Reads until the pipe breaks: when this process closes it or is killed, which happens to a test host a moment after it begins to
    // exit. A server that dies at the same time may write a last file after the first rm.
    private const string Remove = "cat >/dev/null; rm -rf \"$0\"; sleep 1; rm -rf \"$0\"";

    private const int Attempts = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Process? _remover;

    /// <param name="kind">A part of the name that shows its origin.</param>
    /// <param name="inMemory">Whether to prefer a file system in memory, for data that need not survive.</param>
    public TempDirectory(string kind, bool inMemory = false)
    {
        string root = inMemory && Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        // Short, as a Unix socket's path may have only 107 characters.
        string random = System.IO.Path.GetRandomFileName().Replace(".", "", StringComparison.Ordinal);
        Path = System.IO.Path.Combine(root, $"pgetcd-{kind}-{random}");
        Directory.CreateDirectory(Path);
        // Servers may run as another user.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        // In a session of its own, so that signals to our process group do not reach it.
        if (OperatingSystem.IsLinux())
        {
            _remover = Process.Start(
                new ProcessStartInfo("setsid", ["sh", "-c", Remove, Path]) { RedirectStandardInput = true, WorkingDirectory = "/" });
        }
    }

    /// <summary>The absolute path.</summary>
    public string Path { get; }

    /// <summary>Deletes the directory with its contents.</summary>
    public void Dispose()
    {
        // A killed server may have children that write for another moment.
        for (int attempt = 0; attempt < Attempts && !TryDelete(); attempt++)
        {
            Thread.Sleep(Pause);
        }

        _remover?.StandardInput.Close();
        _remover?.Dispose();
    }

    private bool TryDelete()
    {
        try
        {
            if (Directory.Exists(Path))
            {
                Directory.Delete(Path, recursive: true);
            }

            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Files that cannot be deleted stay in the temp directory, which is not worth failing a test.
            return false;
        }
    }
}
