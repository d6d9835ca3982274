using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Testing.Grpc;

namespace PgEtcd.Testing.Rpc;

/// <summary>Calls an RPC of any kind by name with a request in JSON, and returns one normalised answer.</summary>
public sealed class RpcClient(GrpcChannel channel) : IRpcClient
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Calls an RPC. A stream of responses becomes one: the messages of RangeStream are merged; a KeepAlive stream
    /// is closed after its one request and must answer once.
    /// </summary>
    public async Task<RpcAnswer> CallAsync(string rpc, string request, Metadata? headers = null)
    {
        MethodDescriptor method = RpcCatalogue.Find(rpc);
        byte[] encoded = RpcCatalogue.Encode(method.InputType, request);
        try
        {
            string raw = (method.IsClientStreaming, method.IsServerStreaming) switch
            {
                (false, false) => RpcCatalogue.Decode(
                    method.OutputType, await channel.UnaryRawAsync(rpc, encoded, headers, Limit).ConfigureAwait(false)),
                (false, true) => await MergedAsync(method, rpc, encoded, headers).ConfigureAwait(false),
                _ => await OnceAsync(method, rpc, encoded, headers).ConfigureAwait(false),
            };
            return new RpcAnswer(Normalisation.Apply(rpc, Json.Parse(raw)), null, raw);
        }
        catch (RpcException e)
        {
            return new RpcAnswer(null, e.Status, null);
        }
    }

    private async Task<string> MergedAsync(MethodDescriptor method, string rpc, byte[] request, Metadata? headers)
    {
        FieldDescriptor part = method.OutputType.FindFieldByName("range_response")
            ?? throw new NotSupportedException($"{rpc} is a stream that cannot be merged.");
        using MemoryStream merged = new();
        await foreach (byte[] message in channel.ServerStreamRawAsync(rpc, request, headers, Limit).ConfigureAwait(false))
        {
            IMessage response = method.OutputType.Parser.ParseFrom(message);
            // Concatenated encodings decode to the merged message.
            if (part.Accessor.GetValue(response) is IMessage piece)
            {
                piece.WriteTo(merged);
            }
        }

        return RpcCatalogue.Decode(part.MessageType, merged.ToArray());
    }

    private async Task<string> OnceAsync(MethodDescriptor method, string rpc, byte[] request, Metadata? headers)
    {
        using GrpcRawCall call = channel.DuplexRaw(rpc, headers, Limit);
        await call.WriteAsync(request).ConfigureAwait(false);
        await call.CompleteAsync().ConfigureAwait(false);
        List<string> answers = new();
        while (await call.MoveNextAsync().ConfigureAwait(false))
        {
            answers.Add(RpcCatalogue.Decode(method.OutputType, call.Current));
        }

        return answers.Count == 1
            ? answers[0]
            : throw new InvalidOperationException($"{rpc} gave {answers.Count} answers to one request: {string.Join(' ', answers)}");
    }
}
