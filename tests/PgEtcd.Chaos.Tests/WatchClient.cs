using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Watching;
using Shouldly;

namespace PgEtcd.Chaos.Tests;

/// <summary>A watcher that goes on, at the revision after the last it has seen, on the next frontend whenever its stream
/// fails: what every client of etcd does.</summary>
internal sealed class WatchClient : IAsyncDisposable
{
    private readonly Uri[] _frontends;
    private readonly WatchCreateRequest _watch;
    private readonly WatchRecord _record;
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _running;
    private volatile WatchCall? _call;

    /// <param name="watch">What to watch; its start revision is at least 1.</param>
    /// <param name="frontends">Where to watch: the first, and the others in turn.</param>
    public WatchClient(WatchCreateRequest watch, params Uri[] frontends)
    {
        _frontends = frontends;
        _watch = watch;
        _record = new WatchRecord(watch.StartRevision);
        _running = Task.Run(RunAsync);
    }

    /// <summary>How many streams it has used.</summary>
    public int Streams { get; private set; }

    /// <summary>How many events it has seen.</summary>
    public int Count => _record.Count;

    /// <summary>Waits until its stream has said that it has seen everything up to a revision.</summary>
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
                await Task.Delay(20); // a server that is behind says nothing, and is to be asked again
            }

            return _record.Promised >= revision;
        },
        limit ?? Eventually.Patience,
        $"a watch of {_watch} reaches revision {revision}");

    /// <summary>It has seen just what the log says, in order, once.</summary>
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
                await Task.Delay(20); // as a client would: the frontend may be down for a while
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

                response.Canceled.ShouldBeFalse($"nobody cancelled it, and nothing was compacted: {response}");
                _record.Add(response);
            }
        }
        finally
        {
            _call = null;
        }
    }
}
