using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Watching;
using Shouldly;

namespace PgEtcd.Chaos.Tests;

/// <summary>A watcher that, like every etcd client, resumes on the next frontend whenever its stream fails, at the revision after the last
/// one seen.</summary>
internal sealed class WatchClient : IAsyncDisposable
{
    private readonly Uri[] _frontends;
    private readonly WatchCreateRequest _watch;
    private readonly WatchRecord _record;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private volatile WatchCall? _call;

    /// <param name="watch">The watch; its start revision is at least 1.</param>
    /// <param name="frontends">The frontends to watch on: the first, then the others in turn.</param>
    public WatchClient(WatchCreateRequest watch, params Uri[] frontends)
    {
        _frontends = frontends;
        _watch = watch;
        _record = new WatchRecord(watch.StartRevision);
        _running = Task.Run(RunAsync);
    }

    /// <summary>The number of streams used.</summary>
    public int Streams { get; private set; }

    /// <summary>The number of events seen.</summary>
    public int Count => _record.Count;

    /// <summary>Waits until the stream has reported that it has sent everything up to a revision.</summary>
    public Task ReachAsync(long revision, TimeSpan? limit = null) => Eventually.TrueAsync(
        async () =>
        {
            if (_running.IsFaulted)
            {
                await _running;
            }

            if (_record.Promised < revision && _call is { } call)
            {
                await call.ProgressAsync();
                await Task.Delay(20); // a server that is behind sends no progress, so ask again
            }

            return _record.Promised >= revision;
        },
        limit ?? Eventually.Patience,
        $"a watch of {_watch} reaches revision {revision}");

    /// <summary>Checks that the watcher has seen exactly the events of the log, in order, once.</summary>
    public async Task ShouldHaveSeenAsync(LoggedHistory history)
    {
        await ReachAsync(history.Head);
        WatchedEvent.Difference(history.Of(_watch), _record.Events).ShouldBeNull($"a watch of {_watch} over {Streams} streams");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await ((Task)_running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await using GrpcChannel channel = new(_frontends[Streams % _frontends.Length]);
            Streams++;
            try
            {
                await WatchAsync(channel);
            }
            catch (Exception error) when (error is RpcException or HttpRequestException or IOException)
            {
                _record.Resume();
                await Task.Delay(20); // the pace of a client; the frontend may be down for a while
            }
        }
    }

    private async Task WatchAsync(GrpcChannel channel)
    {
        await using WatchCall call = new(channel);
        WatchCreateRequest watch = _watch.Clone();
        watch.StartRevision = _record.Next;
        await call.CreateAsync(watch);
        try
        {
            await foreach (WatchResponse response in call.Call.ReadAllAsync(_stop.Token))
            {
                if (response.Created)
                {
                    _call = call;
                }

                response.Canceled.ShouldBeFalse($"no client cancelled it, and nothing was compacted: {response}");
                _record.Add(response);
            }
        }
        finally
        {
            _call = null;
        }
    }
}
