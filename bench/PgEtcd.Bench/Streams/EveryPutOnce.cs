using System.Globalization;

namespace PgEtcd.Bench.Streams;

/// <summary>Checks watchers on one key each: every put is seen by the one watcher of its key. Watcher n + 1 has key n.</summary>
/// <param name="watchers">The number of watchers, which are numbered from 1.</param>
/// <param name="revision">The last revision before the watches.</param>
/// <param name="puts">The number of puts to come, each with its own revision.</param>
public sealed class EveryPutOnce(int watchers, long revision, int puts) : IWatchLog
{
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(1);
    private readonly TaskCompletionSource _done = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly long[] _last = new long[watchers + 1];
    private readonly int[] _seen = new int[puts];
    private int _count;

    /// <summary>Waits until every put was seen.</summary>
    /// <exception cref="BenchException">A put was not seen, was seen twice, by another watcher, or out of order.</exception>
    public async Task Done()
    {
        try
        {
            await _done.Task.WaitAsync(Patience).ConfigureAwait(false);
        }
        catch (TimeoutException)
        {
            throw new BenchException($"only {_count} of {puts} events came");
        }
    }

    public void Saw(int watcher, long modRevision, ReadOnlySpan<byte> key)
    {
        if (watcher < 1 || watcher > watchers
            || !int.TryParse(key[^Requests.Digits..], CultureInfo.InvariantCulture, out int number) || number != watcher - 1)
        {
            Failed($"watcher {watcher} saw a key that is not its own");
            return;
        }

        long put = modRevision - revision - 1;
        if (put < 0 || put >= puts || modRevision <= _last[watcher] || Interlocked.Increment(ref _seen[put]) > 1)
        {
            Failed($"watcher {watcher} saw revision {modRevision} after {_last[watcher]}; {puts} puts followed revision {revision}");
            return;
        }

        _last[watcher] = modRevision;
        if (Interlocked.Increment(ref _count) == puts)
        {
            _done.TrySetResult();
        }
    }

    public void Failed(string reason) => _done.TrySetException(new BenchException(reason));
}
