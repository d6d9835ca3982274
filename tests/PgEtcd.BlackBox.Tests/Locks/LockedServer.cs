using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.BlackBox.Tests.Locks;

/// <summary>A server with a client for tests of locks and elections.</summary>
internal sealed class LockedServer(IEtcdServer server) : IAsyncDisposable
{
    /// <summary>Long enough for a loaded machine; no test waits for it to pass.</summary>
    public static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    public Kv Kv { get; } = Kv.To(server);

    public GrpcChannel Channel => Kv.Channel;

    /// <summary>For test classes that keep one and dispose of it asynchronously.</summary>
    public static LockedServer To(IEtcdServer server) => new(server);

    /// <summary>Ends every lease and deletes every key.</summary>
    public async Task EmptyAsync()
    {
        foreach (long lease in await Channel.LeasesAsync())
        {
            await Channel.RevokeAsync(lease);
        }

        await Kv.DeleteAsync(Kv.End, Kv.End);
    }

    /// <summary>The keys of the contenders under a name, the oldest first.</summary>
    public async Task<string[]> ContendersAsync(string name)
    {
        RangeResponse range = await Kv.SendAsync(Kv.Range($"{name}/", end: $"{name}0"));
        return [.. range.Kvs.OrderBy(kv => kv.CreateRevision).Select(kv => kv.Key.ToStringUtf8())];
    }

    /// <summary>Waits for this number of contenders.</summary>
    public Task ContendAsync(string name, int count) => Eventually.TrueAsync(
        async () => (await ContendersAsync(name)).Length == count, Limit, $"{count} contend for {name}");

    /// <summary>Waits until the server has finished a cancelled call.</summary>
    public Task LeftAsync(string name, string key) => Eventually.TrueAsync(
        async () => !(await ContendersAsync(name)).Contains(key), Limit, $"{key} leaves");

    /// <summary>An answer without the member that gave it.</summary>
    public static string Told<T>(T response)
        where T : IMessage
    {
        string json = Testing.Rpc.RpcCatalogue.ToJson(response);
        return System.Text.RegularExpressions.Regex.Replace(json, """ "(cluster_id|member_id|raft_term)": "\d+",?""", "");
    }

    /// <summary>The error of a call that must fail.</summary>
    public static async Task<string> RefusalAsync(Task call)
    {
        try
        {
            await call.WaitAsync(Limit);
            return "nothing";
        }
        catch (RpcException refusal)
        {
            return $"{refusal.StatusCode}: {refusal.Status.Detail}";
        }
    }

    public ValueTask DisposeAsync() => Kv.DisposeAsync();
}
