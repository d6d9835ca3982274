using System.Buffers.Binary;
using System.Net.Sockets;
using static PgEtcd.Testing.Grpc.Http2Frames;

namespace PgEtcd.Testing.Grpc;

/// <summary>An HTTP/2 connection without TLS for tests that send and read selectively: streams that are never finished, and windows that
/// stay closed. Data from the server is read and discarded, within the windows that it was given.</summary>
public sealed class Http2Client : IAsyncDisposable
{
    private const int MostFrame = 16384;
    private const int FirstWindow = 65535;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly SemaphoreSlim _sending = new(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<int, long> _windows = [];
    private readonly HashSet<int> _ended = [];
    private readonly string _authority;
    private TaskCompletionSource _changed = NewChange();
    private long _window = FirstWindow;
    private long _firstWindow = FirstWindow;
    private Task _reading = Task.CompletedTask;
    private int _last = -1;
    private bool _isClosed;
    private long _received;

    private Http2Client(string authority) => _authority = authority;

    /// <summary>Streams that the server has ended.</summary>
    public int Ended
    {
        get
        {
            lock (_gate)
            {
                return _ended.Count;
            }
        }
    }

    /// <summary>Bytes of answers received.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Connects.</summary>
    /// <param name="server">For instance <c>http://127.0.0.1:2379</c>.</param>
    /// <param name="window">The bytes that each answer may have unread; no more arrive before <see cref="OpenWindowAsync"/>.</param>
    public static async Task<Http2Client> ConnectAsync(Uri server, int window = FirstWindow)
    {
        Http2Client client = new(server.Authority);
        await client._socket.ConnectAsync(server.Host, server.Port).ConfigureAwait(false);
        byte[] initial = [0, 4, 0, 0, 0, 0];
        BinaryPrimitives.WriteInt32BigEndian(initial.AsSpan(2), window);
        await client._socket.SendAsync((byte[])[.. Preface, .. Frame(Settings, 0, 0, initial)])
            .ConfigureAwait(false);
        client._reading = client.ReadAsync();
        return client;
    }

    /// <summary>Begins a call.</summary>
    /// <param name="method">For instance <c>etcdserverpb.KV/Put</c>; a path below <c>v3/</c> calls the gateway.</param>
    /// <returns>The stream.</returns>
    public async Task<int> BeginAsync(string method)
    {
        int stream = Interlocked.Add(ref _last, 2);
        lock (_gate)
        {
            _windows[stream] = _firstWindow;
        }

        string contentType = method.StartsWith("v3/", StringComparison.Ordinal) ? "application/json" : GrpcContent;
        await SendAsync(Frame(Headers, EndHeaders, stream, HeaderBlock("/" + method, _authority, contentType))).ConfigureAwait(false);
        return stream;
    }

    /// <summary>Sends bytes of a request, as the server's windows allow.</summary>
    /// <returns>False if the server has ended the stream or the connection.</returns>
    public async Task<bool> WriteAsync(int stream, ReadOnlyMemory<byte> bytes, bool isLast)
    {
        while (true)
        {
            int length;
            Task changed;
            lock (_gate)
            {
                if (_isClosed || _ended.Contains(stream))
                {
                    return false;
                }

                length = (int)Math.Min(Math.Min(bytes.Length, MostFrame), Math.Min(_window, _windows[stream]));
                changed = _changed.Task;
                _window -= Math.Max(0, length);
                _windows[stream] -= Math.Max(0, length);
            }

            if (length <= 0 && !bytes.IsEmpty)
            {
                await changed.WaitAsync(Patience).ConfigureAwait(false);
                continue;
            }

            bool isEnd = isLast && length == bytes.Length;
            await SendAsync(Frame(Data, isEnd ? EndStream : (byte)0, stream, bytes.Span[..length])).ConfigureAwait(false);
            bytes = bytes[length..];
            if (bytes.IsEmpty)
            {
                return true;
            }
        }
    }

    /// <summary>Lets the server send more.</summary>
    /// <param name="stream">The stream; 0 for the connection.</param>
    /// <param name="bytes">The number of bytes.</param>
    public Task OpenWindowAsync(int stream, int bytes)
    {
        byte[] increment = new byte[4];
        BinaryPrimitives.WriteInt32BigEndian(increment, bytes);
        return SendAsync(Frame(WindowUpdate, 0, stream, increment));
    }

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _reading.ConfigureAwait(false);
        _sending.Dispose();
    }

    private static TaskCompletionSource NewChange() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private async Task SendAsync(byte[] frame)
    {
        await _sending.WaitAsync().ConfigureAwait(false);
        try
        {
            for (int sent = 0; sent < frame.Length;)
            {
                sent += await _socket.SendAsync(frame.AsMemory(sent)).ConfigureAwait(false);
            }
        }
        catch (Exception lost) when (lost is SocketException or ObjectDisposedException)
        {
            Close();
        }
        finally
        {
            _sending.Release();
        }
    }

    private void Close()
    {
        lock (_gate)
        {
            _isClosed = true;
            _changed.TrySetResult();
        }
    }

    private async Task ReadAsync()
    {
        try
        {
            using NetworkStream stream = new(_socket, ownsSocket: false);
            byte[] head = new byte[HeadLength];
            byte[] payload = new byte[1 << 24];
            while (true)
            {
                await stream.ReadExactlyAsync(head).ConfigureAwait(false);
                int length = (head[0] << 16) | (head[1] << 8) | head[2];
                await stream.ReadExactlyAsync(payload.AsMemory(0, length)).ConfigureAwait(false);
                if (Take(head[3], head[4], BinaryPrimitives.ReadInt32BigEndian(head.AsSpan(5)), payload.AsSpan(0, length)) is { } answer)
                {
                    await SendAsync(answer).ConfigureAwait(false);
                }
            }
        }
        catch (Exception lost) when (lost is IOException or ObjectDisposedException or SocketException)
        {
            Close();
        }
    }

    /// <summary>Handles a frame; returns the frame that answers it.</summary>
    private byte[]? Take(byte kind, byte flags, int stream, ReadOnlySpan<byte> payload)
    {
        byte[]? answer = null;
        lock (_gate)
        {
            switch (kind)
            {
                case Settings when (flags & Acknowledgement) == 0:
                    TakeSettings(payload);
                    answer = Frame(Settings, Acknowledgement, 0, []);
                    break;
                case Ping when (flags & Acknowledgement) == 0:
                    answer = Frame(Ping, Acknowledgement, 0, payload);
                    break;
                case WindowUpdate when stream == 0:
                    _window += BinaryPrimitives.ReadInt32BigEndian(payload);
                    break;
                case WindowUpdate when _windows.ContainsKey(stream):
                    _windows[stream] += BinaryPrimitives.ReadInt32BigEndian(payload);
                    break;
                case Data:
                    Interlocked.Add(ref _received, payload.Length);
                    break;
            }

            if (kind == Reset || ((kind is Headers or Data) && (flags & EndStream) != 0))
            {
                _ended.Add(stream);
            }

            _changed.TrySetResult();
            _changed = NewChange();
            return answer;
        }
    }

    private void TakeSettings(ReadOnlySpan<byte> payload)
    {
        for (; payload.Length >= 6; payload = payload[6..])
        {
            if (payload[1] == 4)
            {
                long window = BinaryPrimitives.ReadInt32BigEndian(payload[2..]);
                foreach (int stream in _windows.Keys)
                {
                    _windows[stream] += window - _firstWindow; // it also applies to open streams
                }

                _firstWindow = window;
            }
        }
    }
}
