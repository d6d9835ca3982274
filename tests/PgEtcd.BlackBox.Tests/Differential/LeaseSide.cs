using System.Collections.Concurrent;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Watching;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>One of the two servers with the same leases, and the events of a watch on all their keys.</summary>
internal sealed class LeaseSide : IAsyncDisposable
{
    private readonly Kv _kv;
    private readonly WatchCall _watch;
    private readonly Task _reading;
    private readonly ConcurrentDictionary<string, ConcurrentQueue<WatchedEvent>> _events = new();

    private LeaseSide(IEtcdServer server, Kv kv, WatchCall watch)
    {
        Kind = server.Kind;
        _kv = kv;
        _watch = watch;
        _reading = ReadAsync();
    }

    public string Kind { get; }

    public GrpcChannel Channel => _kv.Channel;

    public static async Task<LeaseSide> OpenAsync(IEtcdServer server)
    {
        Kv kv = new(server);
        WatchCall watch = new(kv.Channel);
        await watch.CreatedAsync(WatchCall.All());
        return new LeaseSide(server, kv, watch);
    }

    /// <summary>The events of a key, in order.</summary>
    public WatchedEvent[] Events(string key) => _events.TryGetValue(key, out ConcurrentQueue<WatchedEvent>? seen) ? [.. seen] : [];

    /// <summary>Puts; returns the error's code and text, or null.</summary>
    public async Task<string?> PutAsync(string key, string value, long lease)
    {
        try
        {
            await _kv.SendAsync(Kv.Put(key, value, lease));
            return null;
        }
        catch (RpcException error)
        {
            return error.Status.ToString();
        }
    }

    /// <summary>The TTL in the answer to a keep-alive; 0 if the lease no longer exists.</summary>
    public async Task<long> KeepAliveAsync(long lease)
    {
        await using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> call = Channel.KeepAlive();
        return (await call.AskAsync(lease)).TTL;
    }

    public async Task<bool> IsGoneAsync(long lease) => (await Channel.TimeToLiveAsync(lease)).TTL == -1;

    /// <summary>The lease without its remaining time.</summary>
    public async Task<string> DescribeAsync(long lease)
    {
        LeaseTimeToLiveResponse response = await Channel.TimeToLiveAsync(lease);
        return $"{response.GrantedTTL}: {string.Join(' ', response.Keys.Select(key => key.ToStringUtf8()).Order(StringComparer.Ordinal))}";
    }

    public async ValueTask DisposeAsync()
    {
        await _watch.DisposeAsync();
        await _reading.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _kv.DisposeAsync();
    }

    private async Task ReadAsync()
    {
        await foreach (WatchResponse response in _watch.Call.ReadAllAsync())
        {
            foreach (Event change in response.Events)
            {
                WatchedEvent seen = WatchedEvent.From(change);
                _events.GetOrAdd(seen.Key, static _ => new()).Enqueue(seen);
            }
        }
    }
}
