using System.Diagnostics;
using PgEtcd.Testing;

namespace PgEtcd.BlackBox.Tests.BadInput;

/// <summary>A client that puts small values one by one while another client attacks, and measures the server's memory
/// meanwhile.</summary>
internal sealed class OtherClient : IAsyncDisposable
{
    private readonly PgEtcdServer _server;
    private readonly Kv _kv;
    private readonly CancellationTokenSource _stop = new();
    private readonly List<double> _puts = [];
    private readonly long _before;
    private readonly Task _putting;

    private OtherClient(PgEtcdServer server, Kv kv)
    {
        _server = server;
        _kv = kv;
        _before = server.ResidentBytes;
        _putting = Task.Run(PutAsync);
    }

    /// <summary>The duration of the longest put, milliseconds.</summary>
    public double Longest => _puts.Max();

    /// <summary>The largest growth of the server, megabytes.</summary>
    public long Grown { get; private set; }

    public static async Task<OtherClient> StartAsync(PgEtcdServer server)
    {
        Kv kv = new(server);
        await kv.PutAsync("other", "warm");
        return new OtherClient(server, kv);
    }

    /// <summary>Ends the puts.</summary>
    /// <returns>A short description of the result.</returns>
    public async Task<string> EndAsync()
    {
        await _stop.CancelAsync();
        await _putting;
        _puts.Sort();
        return $"{_puts.Count} puts: median {_puts[_puts.Count / 2]:0.0} ms, longest {_puts[^1]:0} ms; {Grown} MB more";
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _putting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _kv.DisposeAsync();
        _stop.Dispose();
    }

    private async Task PutAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            long started = Stopwatch.GetTimestamp();
            await _kv.PutAsync("other", "1");
            _puts.Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            Grown = Math.Max(Grown, (_server.ResidentBytes - _before) / 1_000_000);
        }
    }
}
