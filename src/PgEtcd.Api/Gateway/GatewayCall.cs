using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Grpc.Local;

namespace PgEtcd.Api.Gateway;

/// <summary>One call in JSON: requests from the client become messages of a call, and its responses JSON.</summary>
/// <param name="method">The method.</param>
/// <param name="call">The call of it.</param>
/// <param name="deadline">When the client stops waiting (UTC).</param>
/// <param name="body">The client's requests.</param>
/// <param name="channel">Where the answer goes.</param>
internal sealed class GatewayCall(MethodDescriptor method, LocalCall call, DateTime deadline, JsonBody body, JsonChannel channel)
{
    /// <summary>A response may be nested a little deeper than the deepest request.</summary>
    private const int MostNested = 200;

    /// <summary>Runs it and answers the client.</summary>
    /// <exception cref="OperationCanceledException">The client has gone.</exception>
    public async Task RunAsync(CancellationToken gone)
    {
        Status status;
        try
        {
            status = method.IsClientStreaming ? await RunStreamAsync(gone) : await RunSingleAsync(gone);
        }
        catch (RpcException refusal)
        {
            status = refusal.Status;
        }
        catch (BadHttpRequestException malformed)
        {
            status = new Status(StatusCode.InvalidArgument, malformed.Message);
        }

        if (status.StatusCode == StatusCode.Cancelled && DateTime.UtcNow >= deadline)
        {
            // A service may say that it was cancelled: it is the caller who knows why.
            status = new Status(StatusCode.DeadlineExceeded, "context deadline exceeded");
        }

        channel.Begin(status);
        if (status.StatusCode != StatusCode.OK)
        {
            Write(json =>
            {
                if (method.IsServerStreaming)
                {
                    GatewayErrors.WriteInStream(json, status);
                }
                else
                {
                    GatewayErrors.Write(json, status);
                }
            });
        }

        await channel.SendAsync(gone);
    }

    /// <summary>One request; an empty body is an empty message.</summary>
    private async Task<Status> RunSingleAsync(CancellationToken gone)
    {
        byte[]? text = await body.NextAsync(gone);
        await call.SendAsync(text is null ? default : Encode(text), gone);
        call.EndRequests();
        return await AnswerAsync(gone);
    }

    /// <summary>Requests until the body ends, and responses meanwhile and afterwards.</summary>
    private async Task<Status> RunStreamAsync(CancellationToken gone)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(gone);
        Task sending = SendAllAsync(ended.Token);
        Task<Status> answering = AnswerAsync(ended.Token);
        try
        {
            if (await Task.WhenAny(sending, answering) == sending)
            {
                await sending;
            }

            return await answering;
        }
        finally
        {
            await ended.CancelAsync();
            await Task.WhenAll(sending, answering).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    /// <exception cref="RpcException">Not even the first request can be read.</exception>
    private async Task SendAllAsync(CancellationToken ended)
    {
        bool any = false;
        try
        {
            while (await body.NextAsync(ended) is { } text && await call.SendAsync(Encode(text), ended))
            {
                any = true;
            }
        }
        catch (RpcException) when (any)
        {
            // As in etcd: what cannot be read ends the requests, and the call goes on.
        }

        call.EndRequests();
    }

    private async Task<Status> AnswerAsync(CancellationToken ended)
    {
        while (await call.ReadAsync(ended) is { } encoded)
        {
            IMessage message = Decode(encoded);
            channel.Begin(Status.DefaultSuccess);
            Write(json =>
            {
                if (!method.IsServerStreaming)
                {
                    JsonWriting.Write(json, message);
                    return;
                }

                json.WriteStartObject();
                json.WritePropertyName("result");
                JsonWriting.Write(json, message);
                json.WriteEndObject();
            });
            await channel.SendAsync(ended);
        }

        return call.Status;
    }

    private byte[] Encode(byte[] text) => JsonReading.Read(method.InputType, text).ToByteArray();

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
