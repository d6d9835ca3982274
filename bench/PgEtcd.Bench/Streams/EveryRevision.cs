using System.Diagnostics;

namespace PgEtcd.Bench.Streams;

/// <summary>Checks that each watcher sees every revision once and in order. One put makes one revision.</summary>
public sealed class EveryRevision : IWatchLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(2);
    private readonly long[] _last;
    private readonly Action<long>? _seen;
    private TaskCompletionSource<long> _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile string? _failure;
    private long _target;
    private int _there;

    /// <param name="watchers">The number of watchers, which are numbered from 1.</param>
    /// <param name="revision">The last revision before the watches.</param>
    /// <param name="seen">Called for every event in order, on the thread of the stream.</param>
    public EveryRevision(int watchers, long revision, Action<long>? seen = null)
    {
        _last = new long[watchers + 1];
        Array.Fill(_last, revision);
        _seen = seen;
    }

    /// <summary>Sets the revision to wait for. Call it before that revision exists.</summary>
    public void Expect(long revision)
    {
        _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
        Volatile.Write(ref _there, 0);
        Volatile.Write(ref _target, revision);
        if (_failure is { } reason)
        {
            _done.TrySetException(new BenchException(reason));
        }
    }

    /// <summary>Waits until all watchers have seen the revision.</summary>
    /// <returns>The time of the last watcher, a <see cref="Stopwatch"/> timestamp.</returns>
    /// <exception cref="BenchException">An event was missing, came twice or out of order, or did not come for minutes.</exception>
    public async Task<long> Done()
    {
        try
        {
            return await _done.Task.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new BenchException($"only {_there} of {_last.Length - 1} watchers have seen revision {_target}");
        }
    }

    public void Saw(int watcher, long modRevision, ReadOnlySpan<byte> key)
    {
        if (watcher < 1 || watcher >= _last.Length)
        {
            Failed($"an event came for a nonexistent watch {watcher}");
            return;
        }

        if (modRevision != _last[watcher] + 1)
        {
            Failed($"watcher {watcher} saw revision {modRevision} after {_last[watcher]}");
            return;
        }

        _last[watcher] = modRevision;
        _seen?.Invoke(modRevision);
        if (modRevision == Volatile.Read(ref _target) && Interlocked.Increment(ref _there) == _last.Length - 1)
        {
            _done.TrySetResult(Stopwatch.GetTimestamp());
        }
    }

    public void Failed(string reason)
    {
        _failure ??= reason;
        _done.TrySetException(new BenchException(reason));
    }
}
