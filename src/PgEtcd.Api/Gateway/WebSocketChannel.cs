using System.Buffers;
using System.IO.Pipelines;
using System.Net.WebSockets;
using Grpc.Core;
using PgEtcd.Api.Connections;

namespace PgEtcd.Api.Gateway;

/// <summary>
/// JSON over a WebSocket: the client's messages are the body, each line of the answer is a message. There is no HTTP status.
/// </summary>
internal sealed class WebSocketChannel : JsonChannel
{
    private static readonly TimeSpan CloseLimit = TimeSpan.FromSeconds(5);

    private readonly WebSocket _socket;
    private readonly Pipe _requests = new();
    private readonly ArrayBufferWriter<byte> _output = new();
    private readonly CancellationTokenSource _gone;
    private readonly CancellationTokenSource _end = new();
    private readonly Task _receiving;

    private WebSocketChannel(WebSocket socket, HttpContext context)
    {
        _socket = socket;
        _gone = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted);
        Requests = HeldRequest.Of(context, _requests.Reader);
        _receiving = ReceiveAsync();
    }

    public override PipeReader Requests { get; }

    public override CancellationToken Gone => _gone.Token;

    public override IBufferWriter<byte> Output => _output;

    /// <summary>Accepts the client. A browser cannot set headers, so clients may send a token as the protocols
    /// <c>Bearer, token</c>.</summary>
    public static async Task<WebSocketChannel> AcceptAsync(HttpContext context)
    {
        bool hasToken = GatewayMetadata.BearerToken(context) is not null;
        WebSocket socket = await context.WebSockets.AcceptWebSocketAsync(hasToken ? GatewayMetadata.BearerProtocol : null);
        return new WebSocketChannel(socket, context);
    }

    public override void Begin(Status status)
    {
    }

    public override async ValueTask SendAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        ReadOnlyMemory<byte> line = _output.WrittenMemory;
        if (line.Length > 0)
        {
            // A cancelled send would reset a connection that the client may be closing properly, so a send gets time to finish.
            await using CancellationTokenRegistration cancelled = cancellationToken.Register(() => _end.CancelAfter(CloseLimit));
            await _socket.SendAsync(line.TrimEnd((byte)'\n'), WebSocketMessageType.Text, endOfMessage: true, _end.Token);
            _output.Clear();
        }
    }

    public override async ValueTask DisposeAsync()
    {
        _end.CancelAfter(CloseLimit);
        try
        {
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, _end.Token);
            }

            _requests.Reader.Complete(); // the rest of the client's messages is not read
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            await _end.CancelAsync(); // the client does not wait for the close
        }

        await _receiving;
        _socket.Dispose();
        _end.Dispose();
        _gone.Dispose();
    }

    private async Task ReceiveAsync()
    {
        PipeWriter requests = _requests.Writer;
        byte[] unread = new byte[1024];
        bool isRead = true;
        try
        {
            while (true)
            {
                Memory<byte> room = isRead ? requests.GetMemory() : unread;
                ValueWebSocketReceiveResult received = await _socket.ReceiveAsync(room, _end.Token);
                if (received.MessageType == WebSocketMessageType.Close)
                {
                    break;
                }

                if (isRead)
                {
                    requests.Advance(received.Count);
                    if (received.EndOfMessage)
                    {
                        requests.Write("\n"u8);
                    }

                    FlushResult flush = await requests.FlushAsync(_end.Token);
                    isRead = !flush.IsCompleted;
                }
            }
        }
        catch (Exception e) when (e is WebSocketException or OperationCanceledException or IOException)
        {
            // The client has gone without a close frame.
        }

        await _gone.CancelAsync();
        await requests.CompleteAsync();
    }
}
