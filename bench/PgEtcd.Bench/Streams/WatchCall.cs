using System.Globalization;

namespace PgEtcd.Bench.Streams;

/// <summary>Records and checks the events that the watchers of a case see. Called by many threads, each for its own watchers.</summary>
public interface IWatchLog
{
    /// <summary>Takes one event.</summary>
    /// <param name="watcher">The watch id given to <see cref="WatchCall.Create"/>.</param>
    /// <param name="modRevision">The revision of the event.</param>
    /// <param name="key">The key of the event.</param>
    void Saw(int watcher, long modRevision, ReadOnlySpan<byte> key);

    /// <summary>Takes an error: the stream has ended, or an event was wrong.</summary>
    void Failed(string reason);
}

/// <summary>One stream of watches, with a connection and a reading thread of its own.</summary>
public sealed class WatchCall : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly Http2Connection _connection;
    private readonly IWatchLog _log;
    private readonly Thread _reader;
    private readonly SemaphoreSlim _created = new(0);
    private volatile bool _closing;
    private volatile string? _failure;

    public WatchCall(int port, IWatchLog log)
    {
        _log = log;
        _connection = new Http2Connection(port);
        _connection.Begin("Watch/Watch");
        _reader = new Thread(Read) { IsBackground = true, Name = "watch" };
        _reader.Start();
    }

    /// <summary>Requests a watch on a key, or on all keys under a prefix that ends in a slash.</summary>
    /// <param name="watcher">The watch id; not 0, which would let the server choose.</param>
    /// <param name="key">The key or prefix.</param>
    /// <param name="from">The start revision; 0 for the present.</param>
    public void Create(int watcher, string key, long from = 0) =>
        _connection.Send(new Message().Nested(1, Requests.Watched(key).Number(3, from).Number(7, watcher)).ToArray());

    /// <summary>Waits until all requested watches have been created.</summary>
    /// <exception cref="BenchException">A watch was refused, or not created within a minute.</exception>
    public async Task Created(int watchers)
    {
        for (int i = 0; i < watchers; i++)
        {
            if (!await _created.WaitAsync(Patience).ConfigureAwait(false))
            {
                throw new BenchException(string.Create(CultureInfo.InvariantCulture, $"of {watchers} watches only {i} were created"));
            }

            if (_failure is { } reason)
            {
                throw new BenchException(reason);
            }
        }
    }

    /// <summary>Opens streams with the same number of watches each, numbered from 1, and waits until all are created.</summary>
    /// <param name="key">Gives the key or prefix of a watch by its number.</param>
    public static async Task<IReadOnlyList<WatchCall>> Open(int port, IWatchLog log, int streams, int each, Func<int, string> key)
    {
        List<WatchCall> opened = Enumerable.Range(0, streams).Select(_ => new WatchCall(port, log)).ToList();
        for (int i = 0; i < streams; i++)
        {
            for (int watcher = (i * each) + 1; watcher <= (i + 1) * each; watcher++)
            {
                opened[i].Create(watcher, key(watcher));
            }
        }

        foreach (WatchCall? stream in opened)
        {
            await stream.Created(each).ConfigureAwait(false);
        }

        return opened;
    }

    public void Dispose()
    {
        _closing = true;
        _connection.Dispose();
        _reader.Join();
        _created.Dispose();
    }

    private void Read()
    {
        try
        {
            while (_connection.Read(out ReadOnlySpan<byte> response))
            {
                Take(response);
            }

            throw new BenchException("the server ended the call");
        }
        catch (Exception e) when (e is BenchException or IndexOutOfRangeException or ArgumentException)
        {
            if (!_closing)
            {
                Fail($"a watch stream failed: {e.Message}");
            }
        }
    }

    private void Fail(string reason)
    {
        _failure ??= reason;
        _log.Failed(reason);
        _created.Release();
    }

    private void Take(ReadOnlySpan<byte> response)
    {
        const int WatchId = 2, Created = 3, Canceled = 4, Events = 11;
        int watcher = 0;
        Fields fields = new(response);
        while (fields.Next())
        {
            switch (fields.Field)
            {
                case WatchId:
                    watcher = (int)fields.Number;
                    break;
                case Created:
                    _created.Release();
                    break;
                case Canceled:
                    Fail($"the server cancelled watch {watcher}");
                    break;
                case Events:
                    TakeEvent(watcher, fields.Bytes);
                    break;
                default:
                    break;
            }
        }
    }

    private void TakeEvent(int watcher, ReadOnlySpan<byte> bytes)
    {
        const int Type = 1, Kv = 2, Key = 1, ModRevision = 3, Value = 5;
        (bool whole, long revision) = (false, 0L);
        ReadOnlySpan<byte> key = default;
        Fields outer = new(bytes);
        while (outer.Next())
        {
            if (outer.Field == Type && outer.Number != 0)
            {
                _log.Failed("a delete event came, but nothing was deleted");
            }

            if (outer.Field != Kv)
            {
                continue;
            }

            Fields inner = new(outer.Bytes);
            while (inner.Next())
            {
                if (inner.Field == Key)
                {
                    key = inner.Bytes;
                }

                if (inner.Field == ModRevision)
                {
                    revision = inner.Number;
                }

                if (inner.Field == Value)
                {
                    whole = inner.Bytes.SequenceEqual(Requests.Value);
                }
            }
        }

        if (!whole)
        {
            _log.Failed($"an event of revision {revision} came with a wrong value");
        }

        _log.Saw(watcher, revision, key);
    }
}
