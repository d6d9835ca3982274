using System.Diagnostics.CodeAnalysis;

namespace PgEtcd.Frontend.Watching;

/// <summary>Responses on their way to one client. If too many wait, the client is slow: further events are refused, and its watches read
/// them from the log later, which costs no memory. One reader.</summary>
public class WatchQueue
{
    private const int MaxUpdates = 4096;
    private const long MaxBytes = 4 * 1024 * 1024;

    /// <summary>Last in the lock order (RunningFrontend): waiters are completed outside of it.</summary>
    private readonly Lock _gate = new();
    private readonly Queue<WatchUpdate> _updates = new();
    private long _bytes;
    private bool _closed;
    private TaskCompletionSource? _reader;
    private TaskCompletionSource? _roomWanted;

    /// <summary>Responses that wait.</summary>
    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _updates.Count;
            }
        }
    }

    /// <summary>Adds a response that must not get lost.</summary>
    public void Add(WatchUpdate update)
    {
        lock (_gate)
        {
            Enqueue(update);
        }

        Wake();
    }

    /// <summary>Adds events, if there is room, without <see cref="Wake"/>: responses that belong together are written together.</summary>
    public virtual bool TryAdd(WatchUpdate update)
    {
        lock (_gate)
        {
            if (_updates.Count >= MaxUpdates || _bytes >= MaxBytes)
            {
                return false;
            }

            Enqueue(update);
        }

        return true;
    }

    /// <summary>Wakes the reader.</summary>
    /// <param name="atOnce">Whether the reader may continue on this thread: the caller holds no lock and has nothing left to do.</param>
    public void Wake(bool atOnce = false)
    {
        TaskCompletionSource? reader;
        lock (_gate)
        {
            (reader, _reader) = (_reader, null);
        }

        if (atOnce)
        {
            reader?.SetResult();
        }
        else if (reader is not null)
        {
            ThreadPool.UnsafeQueueUserWorkItem(static waiting => waiting.SetResult(), reader, preferLocal: false);
        }
    }

    /// <summary>Waits until at most half of the room is taken.</summary>
    public Task RoomAsync()
    {
        lock (_gate)
        {
            return _closed || HasRoom()
                ? Task.CompletedTask
                : (_roomWanted ??= new(TaskCreationOptions.RunContinuationsAsynchronously)).Task;
        }
    }

    /// <summary>Waits for a response.</summary>
    /// <returns>False when the queue was closed.</returns>
    public async ValueTask<bool> WaitAsync()
    {
        Task signal;
        lock (_gate)
        {
            if (_closed || _updates.Count > 0)
            {
                return !_closed;
            }

            _reader = new TaskCompletionSource();
            signal = _reader.Task;
        }

        await signal;
        return !_closed;
    }

    /// <summary>Takes the next response.</summary>
    /// <param name="update">The response.</param>
    /// <param name="isLast">Whether no other waits behind it.</param>
    public bool TryTake([NotNullWhen(true)] out WatchUpdate? update, out bool isLast)
    {
        TaskCompletionSource? room = null;
        lock (_gate)
        {
            if (!_updates.TryDequeue(out update))
            {
                isLast = true;
                return false;
            }

            isLast = _updates.Count == 0;
            _bytes -= update.Bytes;
            if (_roomWanted is not null && HasRoom())
            {
                (room, _roomWanted) = (_roomWanted, null);
            }
        }

        room?.SetResult();
        return true;
    }

    /// <summary>Closes the queue and releases all waiters.</summary>
    public void Close()
    {
        TaskCompletionSource? room;
        lock (_gate)
        {
            _closed = true;
            _updates.Clear();
            (room, _roomWanted) = (_roomWanted, null);
        }

        Wake();
        room?.SetResult();
    }

    private bool HasRoom() => _updates.Count <= MaxUpdates / 2 && _bytes <= MaxBytes / 2;

    private void Enqueue(WatchUpdate update)
    {
        if (!_closed)
        {
            _updates.Enqueue(update);
            _bytes += update.Bytes;
        }
    }
}
