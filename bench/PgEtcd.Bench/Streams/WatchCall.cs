using System.Globalization;

namespace PgEtcd.Bench.Streams;

/// <summary>What the watchers of a case saw, and the check of it. Called by many threads, each for watchers of its own.</summary>
public interface IWatchLog
{
    /// <summary>One event came.</summary>
    /// <param name="watcher">The id that <see cref="WatchCall.Create"/> gave it.</param>
    /// <param name="modRevision">The revision that made it.</param>
    /// <param name="key">Its key.</param>
    void Saw(int watcher, long modRevision, ReadOnlySpan<byte> key);

    /// <summary>Nothing more will come, or something came that must not.</summary>
    void Failed(string reason);
}

/// <summary>One stream of watches on a connection of its own, read by a thread of its own.</summary>
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

    /// <summary>Asks for a watch on a key, or on all keys under a prefix that ends in a slash.</summary>
    /// <param name="watcher">Its watch id; not 0, which would let the server choose.</param>
    /// <param name="key">Key or prefix.</param>
    /// <param name="from">The first revision wanted; 0: from now on.</param>
    public void Create(int watcher, string key, long from = 0) =>
        _connection.Send(new Message().Nested(1, Requests.Watched(key).Number(3, from).Number(7, watcher)).ToArray());

    /// <summary>Waits until as many watches stand as were asked for.</summary>
    /// <exception cref="BenchException">One was refused, or they do not stand after a minute.</exception>
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

    /// <summary>Streams with as many watches on each, all created, numbered from 1 on.</summary>
    /// <param name="key">By number: what it watches.</param>
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
                _log.Failed("a delete came, and nothing was deleted");
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
            _log.Failed($"an event of revision {revision} came with another value than was put");
        }

        _log.Saw(watcher, revision, key);
    }
}
