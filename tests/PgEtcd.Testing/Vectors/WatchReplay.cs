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

    /// <summary>The silence after which all responses count as received; a later one is still found with the next
    /// expectation.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromMilliseconds(60);

    /// <summary>The longest wait for an expected response.</summary>
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
    /// The responses since the last call, normalised. Waits for the expected number, and then for silence, as there
    /// may be more.
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
            // Closed; expected responses that did not come are reported as missing.
        }

        _received.Writer.TryComplete();
    }
}
