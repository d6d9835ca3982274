namespace PgEtcd.Server.Tls;

/// <summary>
/// What is made of some files, and made again when they have changed. Looked at for each handshake, as etcd does, which costs a few
/// system calls: a certificate that was replaced serves the next connection, and those that are open stay.
/// </summary>
/// <typeparam name="T">What is made.</typeparam>
internal sealed class WatchedFiles<T>
    where T : class
{
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
        Stamp[] stamps = Look(); // before reading: what changes meanwhile is read again
        _state = new State(load(), stamps);
    }

    /// <summary>What the files say now, or said when they could last be used.</summary>
    public T Current
    {
        get
        {
            State state = _state;
            return Look().AsSpan().SequenceEqual(state.Stamps) ? state.Value : Reload();
        }
    }

    private T Reload()
    {
        lock (_gate)
        {
            Stamp[] stamps = Look();
            if (!stamps.AsSpan().SequenceEqual(_state.Stamps))
            {
                TlsException? failure = null;
                try
                {
                    _state = new State(_load(), stamps);
                }
                catch (TlsException exception)
                {
                    // Not tried again before the files change once more: a certificate is often there a moment before its key.
                    failure = exception;
                    _state = _state with { Stamps = stamps };
                }

                _changed(failure);
            }

            return _state.Value;
        }
    }

    private Stamp[] Look() => Array.ConvertAll(_paths, Stamp.Of);

    private sealed record State(T Value, Stamp[] Stamps);

    /// <summary>What changes with a file's content. Kubernetes changes where a link leads.</summary>
    private readonly record struct Stamp(string Path, DateTime Written, long Length)
    {
        public static Stamp Of(string path)
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
}
