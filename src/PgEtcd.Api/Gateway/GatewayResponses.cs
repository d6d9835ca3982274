using System.Net.WebSockets;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>Turns the encoded responses of a call into JSON.</summary>
/// <param name="method">The method.</param>
/// <param name="channel">Carries the JSON.</param>
internal sealed class GatewayResponses(MethodDescriptor method, JsonChannel channel) : IServerStreamWriter<byte[]>
{
    /// <summary>A response may be nested a little deeper than the deepest request.</summary>
    private const int MostNested = 200;

    public WriteOptions? WriteOptions { get; set; }

    public Task WriteAsync(byte[] message) => WriteAsync(message, CancellationToken.None);

    public async Task WriteAsync(byte[] message, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        IMessage response = Decode(message);
        channel.Begin(Status.DefaultSuccess);
        Write(json =>
        {
            if (!method.IsServerStreaming)
            {
                JsonWriting.Write(json, response);
                return;
            }

            json.WriteStartObject();
            json.WritePropertyName("result");
            JsonWriting.Write(json, response);
            json.WriteEndObject();
        });
        try
        {
            await channel.SendAsync(cancellationToken);
        }
        catch (Exception lost) when (lost is IOException or WebSocketException)
        {
            throw new OperationCanceledException("The client dropped the call.", lost);
        }
    }

    /// <summary>Ends the answer with the status of the call.</summary>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async Task EndAsync(Status status)
    {
        channel.Gone.ThrowIfCancellationRequested();
        channel.Begin(status);
        if (status.StatusCode != StatusCode.OK)
        {
            Write(method.IsServerStreaming
                ? json => GatewayErrors.WriteInStream(json, status)
                : json => GatewayErrors.Write(json, status));
        }

        await channel.SendAsync(channel.Gone);
    }

    private IMessage Decode(byte[] encoded)
    {
        IMessage message = JsonReading.Empty(method.OutputType);
        using MemoryStream stream = new(encoded);
        using CodedInputStream input = CodedInputStream.CreateWithLimits(stream, int.MaxValue, MostNested);
        message.MergeFrom(input);
        return message;
    }

    private void Write(Action<Utf8JsonWriter> write)
    {
        using (Utf8JsonWriter json = JsonWriting.To(channel.Output))
        {
            write(json);
        }

        if (method.IsServerStreaming)
        {
            channel.Output.GetSpan(1)[0] = (byte)'\n';
            channel.Output.Advance(1);
        }
    }
}
