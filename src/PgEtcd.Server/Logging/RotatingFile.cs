using System.Globalization;
using System.IO.Compression;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Logging;

/// <summary>A log file that is renamed to name-time.extension and begun anew when it is full. Old files are compressed and deleted as
/// <see cref="LogRotation"/> says. Not thread-safe.</summary>
/// <param name="path">The file.</param>
/// <param name="rotation">The rules.</param>
internal sealed class RotatingFile(string path, LogRotation rotation) : IDisposable
{
    private const int Megabyte = 1024 * 1024;
    private const int DefaultMegabytes = 100;
    private const string TimeFormat = "yyyy-MM-dd'T'HH-mm-ss.fff";

    private readonly string _path = Path.GetFullPath(path);
    private FileStream _file = Append(path);
    private Task _tidying = Task.CompletedTask;

    private long MaxLength => (long)(rotation.MaxSize == 0 ? DefaultMegabytes : rotation.MaxSize) * Megabyte;

    /// <summary>Opens a log file to append to it; other processes may read, move and write it meanwhile.</summary>
    public static FileStream Append(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Append,
        Access = FileAccess.Write,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
        UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
    });

    /// <summary>Writes a line. It has been handed to the system when this returns.</summary>
    public void Write(ReadOnlySpan<byte> line)
    {
        if (_file.Length > 0 && _file.Length + line.Length > MaxLength)
        {
            Rotate();
        }

        _file.Write(line);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _file.Dispose();
        _tidying.Wait(TimeSpan.FromSeconds(1));
    }

    private void Rotate()
    {
        DateTime now = rotation.LocalTime ? DateTime.Now : DateTime.UtcNow;
        string time = now.ToString(TimeFormat, CultureInfo.InvariantCulture);
        string aside = Path.Combine(
            Path.GetDirectoryName(_path)!, $"{Path.GetFileNameWithoutExtension(_path)}-{time}{Path.GetExtension(_path)}");
        File.Move(_path, aside, overwrite: true);
        FileStream full = _file;
        _file = Append(_path);
        full.Dispose();
        _tidying = _tidying.ContinueWith(_ => Tidy(), TaskScheduler.Default);
    }

    private void Tidy()
    {
        try
        {
            string name = Path.GetFileNameWithoutExtension(_path);
            FileInfo[] old = [.. new DirectoryInfo(Path.GetDirectoryName(_path)!)
                .EnumerateFiles($"{name}-*{Path.GetExtension(_path)}*")
                .Where(file => IsOld(file.Name, name))
                .OrderByDescending(file => file.Name, StringComparer.Ordinal)];
            for (int i = 0; i < old.Length; i++)
            {
                bool isTooMany = rotation.MaxBackups > 0 && i >= rotation.MaxBackups;
                bool isTooOld = rotation.MaxAge > 0 && old[i].LastWriteTimeUtc < DateTime.UtcNow.AddDays(-rotation.MaxAge);
                if (isTooMany || isTooOld)
                {
                    old[i].Delete();
                }
                else if (rotation.Compress && old[i].Extension != ".gz")
                {
                    Compress(old[i].FullName);
                }
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The next rotation tries again.
        }
    }

    /// <summary>Whether a file is one that this class has named: it touches no other.</summary>
    private bool IsOld(string file, string name)
    {
        string rest = file[(name.Length + 1)..];
        string extension = Path.GetExtension(_path);
        rest = rest.EndsWith(extension + ".gz", StringComparison.Ordinal) ? rest[..^(extension.Length + 3)]
            : rest.EndsWith(extension, StringComparison.Ordinal) ? rest[..^extension.Length] : "";
        return DateTime.TryParseExact(rest, TimeFormat, CultureInfo.InvariantCulture, DateTimeStyles.None, out _);
    }

    private static void Compress(string path)
    {
        string partial = path + ".gz.part";
        using (FileStream source = File.OpenRead(path))
        using (FileStream target = File.Create(partial))
        using (GZipStream gzip = new(target, CompressionLevel.Optimal))
        {
            source.CopyTo(gzip);
        }

        File.Move(partial, path + ".gz", overwrite: true);
        File.Delete(path);
    }
}
