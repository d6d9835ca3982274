namespace PgEtcd.Testing;

/// <summary>A directory of one's own, gone after disposal.</summary>
public sealed class TempDirectory : IDisposable
{
    private const int Attempts = 30;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(50);

    /// <param name="kind">Part of the name, for whoever finds it.</param>
    /// <param name="inMemory">Prefer a file system in memory, for data that need not outlive anything.</param>
    public TempDirectory(string kind, bool inMemory = false)
    {
        string root = inMemory && Directory.Exists("/dev/shm") ? "/dev/shm" : System.IO.Path.GetTempPath();
        // Short: a Unix socket's path may have 107 characters only.
        Path = System.IO.Path.Combine(root, $"pgetcd-{kind}-{System.IO.Path.GetRandomFileName().Replace(".", "", StringComparison.Ordinal)}");
        Directory.CreateDirectory(Path);
        // Servers may run as another user.
        if (!OperatingSystem.IsWindows())
            File.SetUnixFileMode(Path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute
                | UnixFileMode.GroupRead | UnixFileMode.GroupExecute | UnixFileMode.OtherRead | UnixFileMode.OtherExecute);
    }

    /// <summary>Absolute.</summary>
    public string Path { get; }

    /// <summary>Deletes it with all it holds.</summary>
    public void Dispose()
    {
        // A server that was killed may have children that write for another moment.
        for (int attempt = 0; attempt < Attempts && !TryDelete(); attempt++)
            Thread.Sleep(Pause);
    }

    private bool TryDelete()
    {
        try
        {
            if (Directory.Exists(Path))
                Directory.Delete(Path, recursive: true);
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What cannot be deleted at all is left over in the temp directory; not worth failing a test.
            return false;
        }
    }
}
