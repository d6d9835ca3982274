using System.Globalization;
using Grpc.Core;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Tests.Protos;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>Answers calls as their text says, and reports to tests how they went.</summary>
public sealed class EchoService(EchoProbe probe) : Echo.EchoBase
{
    public override async Task<EchoMessage> Unary(EchoMessage request, ServerCallContext context)
    {
        switch (request.Text)
        {
            case "fail":
                Metadata trailers = new() { { "why", "asked for" }, { "proof-bin", new byte[] { 0, 255, 1 } } };
                throw new RpcException(new Status(StatusCode.NotFound, "nö: 100%\nnothing"), trailers);
            case "throw":
                throw new InvalidOperationException("a secret");
            case "null":
                return null!;
            case "status":
                context.Status = new Status(StatusCode.DataLoss, "set, not thrown");
                break;
            case "metadata":
                await context.WriteResponseHeadersAsync(new Metadata { { "early", "bird" }, { "early-bin", new byte[] { 7 } } });
                foreach (Metadata.Entry entry in context.RequestHeaders.Where(e => e.Key.StartsWith("x-", StringComparison.Ordinal)))
                {
                    context.ResponseTrailers.Add(entry);
                }

                context.ResponseTrailers.Add("many", "1");
                context.ResponseTrailers.Add("many", "2");
                context.ResponseTrailers.Add("peer", context.Peer);
                context.ResponseTrailers.Add("method", context.Method);
                context.ResponseTrailers.Add("host", context.Host);
                context.ResponseTrailers.Add("http", ((CallContext)context).Http.Request.Protocol);
                context.ResponseTrailers.Add("deadline", context.Deadline.ToString("O", CultureInfo.InvariantCulture));
                break;
            case "describe":
                IEnumerable<string> metadata = context.RequestHeaders.Select(
                    entry => $"{entry.Key}={(entry.IsBinary ? Convert.ToHexString(entry.ValueBytes) : entry.Value)}");
                return new EchoMessage { Text = $"{context.Peer} {context.Method} {string.Join(' ', metadata.Order())}" };
            case "wait":
                await probe.WaitForCancellation(context);
                break;
            case "grow":
                return new EchoMessage { Payload = Google.Protobuf.ByteString.CopyFrom(new byte[request.Number]) };
        }

        return request;
    }

    public override async Task ServerStream(EchoMessage request, IServerStreamWriter<EchoMessage> responseStream, ServerCallContext context)
    {
        try
        {
            for (long i = 0; i < request.Number; i++)
            {
                await responseStream.WriteAsync(new EchoMessage { Number = i, Payload = request.Payload });
                probe.Written = i + 1;
            }
        }
        catch (OperationCanceledException)
        {
            probe.Ended.TrySetResult("the write was refused");
            throw;
        }

        if (request.Text == "fail at the end")
        {
            throw new RpcException(new Status(StatusCode.Aborted, "at the end"));
        }
    }

    public override async Task Duplex(
        IAsyncStreamReader<EchoMessage> requestStream, IServerStreamWriter<EchoMessage> responseStream, ServerCallContext context)
    {
        try
        {
            while (await requestStream.MoveNext())
            {
                await responseStream.WriteAsync(requestStream.Current);
            }
        }
        catch (OperationCanceledException)
        {
            probe.Ended.TrySetResult("the read was refused");
            throw;
        }
    }
}

/// <summary>The events of the service that tests can see.</summary>
public sealed class EchoProbe
{
    private long _written;

    /// <summary>Completes when a handler notices the end of its call, with the way it noticed.</summary>
    public TaskCompletionSource<string> Ended { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when a handler starts waiting.</summary>
    public TaskCompletionSource Waiting { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Messages of a server stream accepted by the transport.</summary>
    public long Written
    {
        get => Interlocked.Read(ref _written);
        set => Interlocked.Exchange(ref _written, value);
    }

    internal async Task WaitForCancellation(ServerCallContext context)
    {
        Waiting.TrySetResult();
        try
        {
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
        }
        catch (OperationCanceledException)
        {
            Ended.TrySetResult("the token fired");
            throw;
        }
    }
}
