using System.Text.Json.Nodes;
using System.Threading.Channels;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>One watch stream of a transcript.</summary>
internal sealed class WatchReplay : IAsyncDisposable
{
    private const string Rpc = "etcdserverpb.Watch/Watch";

    /// <summary>How long nothing must come before everything has come; what comes later still is found with what is expected
    /// next.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(60);

    /// <summary>How long what is expected may take.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private static readonly MethodDescriptor Method = RpcCatalogue.Find(Rpc);

    private readonly GrpcRawCall _call;
    private readonly Channel<JsonObject> _received = Channel.CreateUnbounded<JsonObject>();
    private readonly Task _reading;

    public WatchReplay(GrpcChannel channel, Metadata? headers)
    {
        _call = channel.DuplexRaw(Rpc, headers);
        _reading = ReadAsync();
    }

    public Task SendAsync(string request) => _call.WriteAsync(RpcCatalogue.Encode(Method.InputType, request));

    /// <summary>
    /// What has come since the last time, normalised. It waits for as much as is expected, and then for
    /// silence, as there may be more than that.
    /// </summary>
    public async Task<JsonArray> ReceiveAsync(JsonArray expected, bool catchUp)
    {
        JsonArray wanted = WatchNormalisation.Apply(expected.Select(response => response!.DeepClone().AsObject()), catchUp);
        expected.Clear();
        foreach (JsonNode? response in wanted)
        {
            expected.Add(response!.DeepClone());
        }

        List<JsonObject> responses = new();
        while (true)
        {
            JsonArray actual = WatchNormalisation.Apply(responses.Select(response => response.DeepClone().AsObject()), catchUp);
            bool complete = JsonNode.DeepEquals(wanted, actual);
            using CancellationTokenSource limit = new(complete ? Silence : Patience);
            try
            {
                responses.Add(await _received.Reader.ReadAsync(limit.Token).ConfigureAwait(false));
            }
            catch (Exception e) when (e is OperationCanceledException or ChannelClosedException)
            {
                return actual;
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        _call.Dispose();
        await _reading.ConfigureAwait(false);
    }

    private async Task ReadAsync()
    {
        try
        {
            while (await _call.MoveNextAsync().ConfigureAwait(false))
            {
                _received.Writer.TryWrite(Json.Parse(RpcCatalogue.Decode(Method.OutputType, _call.Current)));
            }
        }
        catch (RpcException)
        {
            // Closed; what was expected and did not come is found missing.
        }

        _received.Writer.TryComplete();
    }
}
