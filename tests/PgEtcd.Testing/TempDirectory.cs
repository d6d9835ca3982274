using System.Diagnostics;

namespace PgEtcd.Testing;

/// <summary>A directory of one's own, gone after disposal, and also when the test process ends without it.</summary>
public sealed class TempDirectory : IDisposable
{
    // Reads until the pipe breaks: when we close it, or are killed, as a test host is a moment after it began to exit.
    // A server that dies with us may write a last file after the first rm.
    private const string Remove = "cat >/dev/null; rm -rf \"$0\"; sleep 1; rm -rf \"$0\"";

    private const int Attempts = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    private readonly Process? _remover;

    /// <param name="kind">Part of the name, for whoever finds it.</param>
    /// <param name="inMemory">Prefer a file system in memory, for data that need not outlive anything.</param>
    public TempDirectory(string kind, bool inMemory = false)
    {
        string root = inMemory && Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        // Short: a Unix socket's path may have 107 characters only.
        string random = System.IO.Path.GetRandomFileName().Replace(".", "", StringComparison.Ordinal);
        Path = System.IO.Path.Combine(root, $"pgetcd-{kind}-{random}");
        Directory.CreateDirectory(Path);
        // Servers may run as another user.
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
        }

        // In a session of its own, so that what is sent to our process group spares it.
        if (OperatingSystem.IsLinux())
        {
            _remover = Process.Start(
                new ProcessStartInfo("setsid", ["sh", "-c", Remove, Path]) { RedirectStandardInput = true, WorkingDirectory = "/" });
        }
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Deletes it with all it holds.</summary>
    public void Dispose()
    {
        // A server that was killed may have children that write for another moment.
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
            // What cannot be deleted at all is left over in the temp directory; not worth failing a test.
            return false;
        }
    }
}
