using System.Diagnostics;
using System.Security.Cryptography;

namespace PgEtcd.Server.Tls;

/// <summary>
/// A value read from files, and read again after they have changed. They are checked at each handshake, as in etcd, which costs a few
/// system calls: a replaced certificate serves the next connection, and open connections stay.
/// </summary>
/// <typeparam name="T">The value.</typeparam>
/// <param name="paths">The files.</param>
/// <param name="load">Reads them.</param>
/// <param name="changed">Called for every change, with null or with the reason why the previous value stays in use.</param>
/// <exception cref="TlsException">The files cannot be used.</exception>
internal sealed class WatchedFiles<T>(string[] paths, Func<T> load, Action<TlsException?> changed)
    where T : class
{
    /// <summary>Shortest interval between two checks of the content. Times and lengths show most changes at once; others, such as a link in
    /// the path that leads to other files of the same time, are seen only by the content.</summary>
    private static readonly TimeSpan ContentInterval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private volatile State _state = First(paths, load);

    /// <summary>The value of the files' current content, or of the last content that could be used.</summary>
    public T Current
    {
        get
        {
            State state = _state;
            return Stopwatch.GetElapsedTime(state.Look.Taken) < ContentInterval && state.Look.Stamps.SequenceEqual(Stamp.Of(paths))
                ? state.Value
                : Renew();
        }
    }

    private static State First(string[] paths, Func<T> load)
    {
        Look look = Look.At(paths); // before reading: a change meanwhile is read again
        return new State(load(), look);
    }

    private T Renew()
    {
        lock (_gate)
        {
            Look look = Look.At(paths);
            if (look.Digest.SequenceEqual(_state.Look.Digest))
            {
                _state = _state with { Look = look };
                return _state.Value;
            }

            TlsException? failure = null;
            try
            {
                _state = new State(load(), look);
            }
            catch (TlsException exception)
            {
                // The files are not tried again until they change: a certificate often arrives a moment before its key.
                failure = exception;
                _state = _state with { Look = look };
            }

            changed(failure);
            return _state.Value;
        }
    }

    private sealed record State(T Value, Look Look);
}

/// <summary>The state of files at one moment.</summary>
/// <param name="Taken">The moment (a timestamp of Stopwatch).</param>
/// <param name="Stamps">Times and lengths.</param>
/// <param name="Digest">Digest of all contents.</param>
internal sealed record Look(long Taken, Stamp[] Stamps, byte[] Digest)
{
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
                hash.AppendData([0]); // the file does not exist
            }
        }

        return new Look(Stopwatch.GetTimestamp(), stamps, hash.GetHashAndReset());
    }
}

/// <summary>The properties that usually change with a file's content.</summary>
internal readonly record struct Stamp(string Path, DateTime Written, long Length)
{
    /// <summary>The stamps of files; links are followed.</summary>
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
