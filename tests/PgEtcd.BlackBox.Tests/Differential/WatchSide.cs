using System.Collections.Concurrent;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Watching;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>The watches on one of the two servers, on a few streams that are read continuously.</summary>
internal sealed class WatchSide : IAsyncDisposable
{
    public const int Streams = 3;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly GrpcChannel _channel;
    private readonly WatchCall[] _calls;
    private readonly Task[] _reading;
    private readonly ConcurrentDictionary<long, Seen> _seen = new();
    private readonly ConcurrentQueue<string>[] _refused = [.. Enumerable.Range(0, Streams).Select(_ => new ConcurrentQueue<string>())];

    public WatchSide(IEtcdServer server)
    {
        Server = server;
        Kv = new Kv(server);
        _channel = new GrpcChannel(server.ClientUrl);
        _calls = [.. Enumerable.Range(0, Streams).Select(_ => new WatchCall(_channel))];
        _reading = [.. Enumerable.Range(0, Streams).Select(ReadAsync)];
    }

    public IEtcdServer Server { get; }

    public Kv Kv { get; }

    /// <summary>The events of a watch.</summary>
    public Seen this[long id] => _seen[id];

    /// <summary>Why watches of a stream were refused, in order.</summary>
    public string[] Refused(int stream) => [.. _refused[stream]];

    /// <summary>Requests a watch without waiting for it.</summary>
    public Task CreateAsync(int stream, WatchCreateRequest watch)
    {
        _seen.TryAdd(watch.WatchId, new Seen(watch.StartRevision));
        return _calls[stream].CreateAsync(watch);
    }

    public Task CancelAsync(int stream, long id) => _calls[stream].CancelAsync(id);

    /// <summary>Waits for something that the streams will bring.</summary>
    public Task UntilAsync(Func<bool> condition, string what) => Eventually.TrueAsync(
        () => _reading.FirstOrDefault(task => task.IsFaulted) is { } failed
            ? throw new GaveUpException($"{Server.Kind}: {failed.Exception!.InnerException}")
            : condition(),
        Patience,
        $"{Server.Kind}: {what}");

    public async ValueTask DisposeAsync()
    {
        foreach (WatchCall call in _calls)
        {
            await call.DisposeAsync();
        }

        await Task.WhenAll(_reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _channel.DisposeAsync();
        await Kv.DisposeAsync();
    }

    private async Task ReadAsync(int stream)
    {
        try
        {
            await foreach (WatchResponse response in _calls[stream].Call.ReadAllAsync())
            {
                if (response.WatchId == -1)
                {
                    _refused[stream].Enqueue(response.CancelReason);
                    continue;
                }

                Seen seen = _seen[response.WatchId];
                seen.Record.Add(response);
                seen.IsCreated |= response.Created;
                seen.End ??= !response.Canceled ? null
                    : response.CompactRevision > 0 ? $"compacted {response.CompactRevision}"
                    : "cancelled";
            }
        }
        catch (RpcException error) when (error.StatusCode == StatusCode.Cancelled)
        {
            // The end of the test.
        }
    }

    /// <summary>One watch.</summary>
    internal sealed class Seen(long startRevision)
    {
        public WatchRecord Record { get; } = new(startRevision);

        public volatile bool IsCreated;

        /// <summary>How the watch ended; null while it is active.</summary>
        public volatile string? End;
    }
}
