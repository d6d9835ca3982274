using System.Diagnostics;
using System.Security.Cryptography;

namespace PgEtcd.Server.Tls;

/// <summary>
/// What is made of some files, and made again when they have changed. Looked at for each handshake, as etcd does, which costs a few
/// system calls: a certificate that was replaced serves the next connection, and those that are open stay.
/// </summary>
/// <typeparam name="T">What is made.</typeparam>
internal sealed class WatchedFiles<T>
    where T : class
{
    /// <summary>Times and lengths show most changes at once. What they do not show, such as a link in the path that leads elsewhere to
    /// files of the same moment, is seen when the content is looked at, which is no more often than this.</summary>
    private static readonly TimeSpan ContentInterval = TimeSpan.FromSeconds(1);

    private readonly string[] _paths;
    private readonly Func<T> _load;
    private readonly Action<TlsException?> _changed;
    private readonly Lock _gate = new();
    private volatile State _state;

    /// <param name="paths">The files.</param>
    /// <param name="load">Reads them.</param>
    /// <param name="changed">Told of every change: null, or why what was read before stays in use.</param>
    /// <exception cref="TlsException">They cannot be used now.</exception>
    public WatchedFiles(IEnumerable<string> paths, Func<T> load, Action<TlsException?> changed)
    {
        _paths = [.. paths];
        _load = load;
        _changed = changed;
        Look look = Look.At(_paths); // before reading: what changes meanwhile is read again
        _state = new State(load(), look);
    }

    /// <summary>What the files say now, or said when they could last be used.</summary>
    public T Current
    {
        get
        {
            State state = _state;
            return Stopwatch.GetElapsedTime(state.Look.Taken) < ContentInterval && state.Look.HasStamps(Stamp.Of(_paths))
                ? state.Value
                : Renew();
        }
    }

    private T Renew()
    {
        lock (_gate)
        {
            Look look = Look.At(_paths);
            if (look.HasContentOf(_state.Look))
            {
                _state = _state with { Look = look };
                return _state.Value;
            }

            TlsException? failure = null;
            try
            {
                _state = new State(_load(), look);
            }
            catch (TlsException exception)
            {
                // Not tried again before the files change once more: a certificate is often there a moment before its key.
                failure = exception;
                _state = _state with { Look = look };
            }

            _changed(failure);
            return _state.Value;
        }
    }

    private sealed record State(T Value, Look Look);
}

/// <summary>How files looked.</summary>
/// <param name="stamps">Times and lengths.</param>
/// <param name="digest">Of all contents.</param>
internal sealed class Look(Stamp[] stamps, byte[] digest)
{
    /// <summary>When (a timestamp of Stopwatch).</summary>
    public long Taken { get; } = Stopwatch.GetTimestamp();

    /// <summary>Looks at files.</summary>
    public static Look At(string[] paths)
    {
        Stamp[] stamps = Stamp.Of(paths);
        using IncrementalHash hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in paths)
        {
            try
            {
                hash.AppendData(SHA256.HashData(File.ReadAllBytes(path)));
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                hash.AppendData([0]); // there is none
            }
        }

        return new Look(stamps, hash.GetHashAndReset());
    }

    /// <summary>Whether times and lengths are still these.</summary>
    public bool HasStamps(Stamp[] others) => stamps.AsSpan().SequenceEqual(others);

    /// <summary>Whether the contents are those of another look.</summary>
    public bool HasContentOf(Look other) => digest.AsSpan().SequenceEqual(other.Digest);

    private byte[] Digest => digest;
}

/// <summary>What mostly changes with a file's content.</summary>
internal readonly record struct Stamp(string Path, DateTime Written, long Length)
{
    /// <summary>Those of files; links are followed.</summary>
    public static Stamp[] Of(string[] paths) => Array.ConvertAll(paths, Of);

    private static Stamp Of(string path)
    {
        try
        {
            FileInfo file = new(path);
            file = file.ResolveLinkTarget(returnFinalTarget: true) as FileInfo ?? file;
            return new Stamp(file.FullName, file.LastWriteTimeUtc, file.Length);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return new Stamp(path, default, -1);
        }
    }
}
