using System.Security.Cryptography;
using System.Text;

namespace PgEtcd.LocalPostgres;

/// <summary>The files of a private local PostgreSQL.</summary>
/// <remarks>
/// The directory belongs to this process's user; <c>data</c> and <c>run</c> in it belong to the user that PostgreSQL runs as. So no file
/// that root writes is in a place where another user could put a link.
/// </remarks>
/// <param name="Path">Absolute.</param>
public sealed record DataDirectory(string Path)
{
    /// <summary>sun_path holds 108 bytes with the final zero.</summary>
    private const int LongestSocketPath = 107;

    private const string Unfinished = "data.new-";
    private const string MovedTo = "/var/lib/pgetcd";

    /// <summary>PostgreSQL's own directory. It exists only once it is complete.</summary>
    public string Cluster => In("data");

    /// <summary>Whether a store may have been made in a directory, or in the one that replaces it.</summary>
    /// <param name="path">The configured directory.</param>
    /// <param name="mayMove">Whether it is the default.</param>
    public static bool MayHoldStore(string path, bool mayMove) =>
        Directory.Exists(path) || (mayMove && Directory.Exists(MovedTo));

    /// <summary>A new directory for initdb, one for each attempt: the initdb of a frontend that was killed may still be running.</summary>
    public string NewUnfinishedCluster() => In($"{Unfinished}{Guid.NewGuid():N}");

    /// <summary>Directories of earlier attempts, which will not be finished.</summary>
    public IEnumerable<string> UnfinishedClusters => Directory.EnumerateDirectories(Path, Unfinished + "*");

    public string Log => In("postgres.log");

    public string Settings => In("pgetcd.conf");

    /// <summary>Held while PostgreSQL is being started or stopped.</summary>
    public string StartLock => In("start.lock");

    /// <summary>Shared by the frontends that use this PostgreSQL.</summary>
    public string UsersLock => In("users.lock");

    /// <summary>The socket's directory: inside this one, or a short one derived from the path if a socket's name would be too long or need
    /// quotes.</summary>
    public string Socket
    {
        get
        {
            string inside = In("run");
            bool fits = Encoding.UTF8.GetByteCount(inside) + "/.s.PGSQL.5432".Length <= LongestSocketPath
                && inside.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-');
            return fits ? inside : $"{(Environment.IsPrivilegedProcess ? "/run" : "/tmp")}/pgetcd-{Fingerprint}";
        }
    }

    private string Fingerprint => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Path)))[..16];

    /// <summary>The directory to use instead if this one is the default and PostgreSQL's user cannot reach it.</summary>
    public DataDirectory Moved => new($"{MovedTo}/{System.IO.Path.GetFileNameWithoutExtension(Path)}-{Fingerprint}");

    /// <summary>The major version of the existing cluster, or null.</summary>
    public int? Major =>
        File.Exists(System.IO.Path.Combine(Cluster, "PG_VERSION"))
            && int.TryParse(File.ReadAllText(System.IO.Path.Combine(Cluster, "PG_VERSION")), out int major)
            ? major
            : null;

    /// <summary>Creates the directory, or moves to <see cref="Moved"/>, and takes the start lock.</summary>
    /// <param name="mayMove">Whether the directory is the default.</param>
    /// <param name="cancellationToken">Ends the wait for the lock.</param>
    /// <exception cref="LocalPostgresException">The directory cannot be created, written or reached.</exception>
    public async Task<(DataDirectory Directory, PostgresUser User)> PrepareAsync(bool mayMove, CancellationToken cancellationToken)
    {
        if (mayMove && Environment.IsPrivilegedProcess && Directory.Exists(Moved.Cluster) && !Directory.Exists(Cluster))
        {
            // The store was moved before: even if this directory has become reachable since, the data is not here.
            return await Moved.PrepareAsync(false, cancellationToken);
        }

        PostgresUser user = await PostgresUser.ChooseAsync(Cluster, cancellationToken);
        string existing = Path;
        while (!Directory.Exists(existing) && System.IO.Path.GetDirectoryName(existing) is { } parent)
        {
            existing = parent;
        }

        if (await user.CanReachAsync(existing, cancellationToken))
        {
            Make();
            if (await user.CanReachAsync(Path, cancellationToken))
            {
                return (this, user);
            }
        }

        return mayMove
            ? await Moved.PrepareAsync(false, cancellationToken)
            : throw new LocalPostgresException(
                $"--data-dir {Path} cannot be reached by the user that PostgreSQL runs as (which cannot be root): "
                + $"choose a directory that others may enter, such as {MovedTo}.");
    }

    private void Make()
    {
        if (File.Exists(Path))
        {
            throw new LocalPostgresException($"--data-dir {Path} is a file, not a directory.");
        }

        try
        {
            // Created by root, it must let PostgreSQL's user pass through; everything secret is in data and run.
            const UnixFileMode Ours = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;
            const UnixFileMode Passable =
                Ours | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute | UnixFileMode.GroupRead | UnixFileMode.OtherRead;
            if (!Directory.Exists(Path))
            {
                Directory.CreateDirectory(System.IO.Path.GetDirectoryName(Path)!);
                Directory.CreateDirectory(Path, Environment.IsPrivilegedProcess ? Passable : Ours);
            }
            else if (Directory.EnumerateFileSystemEntries(Path).Any(
                entry => System.IO.Path.GetFileName(entry) is not ("lost+found" or "fixtures"))
                && !File.Exists(StartLock))
            {
                throw new LocalPostgresException($"--data-dir {Path} already holds other files: choose a new or empty directory.");
            }

            FileLock.Touch(StartLock);
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            throw new LocalPostgresException($"--data-dir {Path} cannot be written: {Reason(e)}.", e);
        }
    }

    private static string Reason(Exception e) =>
        e is UnauthorizedAccessException ? "permission denied" : e.Message.Split('\n')[0].TrimEnd('.');

    private string In(string name) => System.IO.Path.Combine(Path, name);
}
