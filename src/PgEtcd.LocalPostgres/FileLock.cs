namespace PgEtcd.LocalPostgres;

/// <summary>An advisory lock on a file, shared by the frontends of one data directory. The kernel drops it when its holder dies.</summary>
/// <remarks>.NET takes flock(2) when a file is opened: exclusive for <see cref="FileShare.None"/>, shared for read access with
/// <see cref="FileShare.Read"/>.</remarks>
internal sealed class FileLock(FileStream stream) : IDisposable
{
    private static readonly TimeSpan Retry = TimeSpan.FromMilliseconds(20);

    /// <summary>Takes the lock exclusively, and waits for it.</summary>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static async Task<FileLock> ExclusiveAsync(string path, CancellationToken cancellationToken)
    {
        FileLock? held;
        while ((held = TryExclusive(path)) is null)
        {
            await Task.Delay(Retry, cancellationToken);
        }

        return held;
    }

    /// <summary>Takes the lock exclusively; null if it is taken.</summary>
    public static FileLock? TryExclusive(string path)
    {
        try
        {
            return new FileLock(Open(path, FileShare.None));
        }
        catch (IOException e) when (IsHeld(e))
        {
            return null;
        }
    }

    /// <summary>Creates the file unless it exists and can be written.</summary>
    /// <exception cref="UnauthorizedAccessException">The file cannot be written.</exception>
    public static void Touch(string path)
    {
        using FileLock? file = TryExclusive(path);
    }

    /// <summary>Takes the lock shared.</summary>
    public static FileLock Shared(string path)
    {
        // A shared lock is taken on a file that is opened for reading, which does not create it.
        Touch(path);
        return new FileLock(new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read));
    }

    public void Dispose() => stream.Dispose();

    /// <summary>Only its owner may open it, since any process that can open it can lock it.</summary>
    private static FileStream Open(string path, FileShare share) => new(path, new FileStreamOptions
    {
        Mode = FileMode.OpenOrCreate,
        Access = FileAccess.ReadWrite,
        Share = share,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>EWOULDBLOCK: the only errno here that means another process has the lock.</summary>
    private static bool IsHeld(IOException e) => e.HResult == 11;
}
