using System.Buffers;
using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace PgEtcd.Bench.Streams;

/// <summary>
/// A connection that carries one gRPC call at a time. HttpClient would work, but it needs about as much CPU per message as the
/// server, with which it shares the cores; this class needs a fraction of that. Any thread may send, one thread reads. Frames
/// that need an answer are answered while reading.
/// </summary>
public sealed class Http2Connection : IDisposable
{
    private const int FrameHeader = 9;
    private const int GrpcPrefix = 5;
    private const int LargestWindow = int.MaxValue;
    private const int ReopenWindow = 16 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private enum FrameType : byte
    {
        Data = 0,
        Headers = 1,
        ResetStream = 3,
        Settings = 4,
        Ping = 6,
        GoAway = 7,
        WindowUpdate = 8,
    }

    private readonly Socket _socket;
    private readonly int _port;
    private readonly Lock _writing = new();
    private readonly ArrayBufferWriter<byte> _out = new();
    private readonly ManualResetEventSlim _windowOpened = new();
    private readonly Inbox _frames = new();
    private readonly Inbox _messages = new();
    private int _stream = -1;
    private int _taken; // bytes of our receive window used since its last update
    private int _initialWindow = ushort.MaxValue;
    private int _connectionWindow = ushort.MaxValue;
    private int _streamWindow;
    private bool _ended = true;

    /// <summary>Connects to a server on this machine.</summary>
    public Http2Connection(int port)
    {
        _port = port;
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        _socket.Connect(IPAddress.Loopback, port);
        _out.Write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"u8);
        // No server push (setting 2), and the largest window for each stream (setting 4).
        Frame(FrameType.Settings, 0, 0, [0, 2, 0, 0, 0, 0, 0, 4, 0x7f, 0xff, 0xff, 0xff]);
        OpenWindow(0, LargestWindow - ushort.MaxValue);
        Flush();
    }

    /// <summary>Begins a call; the previous one must have ended. Nothing is sent before the first message.</summary>
    /// <param name="method">Service and method, such as Watch/Watch.</param>
    public void Begin(string method)
    {
        lock (_writing)
        {
            if (!_ended)
            {
                throw new InvalidOperationException("A call is under way.");
            }

            (_stream, _ended, _taken, _streamWindow) = (_stream + 2, false, 0, _initialWindow);
            _messages.Clear();
            Frame(FrameType.Headers, EndHeaders, _stream, RequestHeaders(method));
        }
    }

    /// <summary>Sends a message.</summary>
    /// <param name="last">Whether this is the last message, as always in a unary call.</param>
    /// <exception cref="BenchException">The server did not accept the message for a long time.</exception>
    public void Send(ReadOnlySpan<byte> message, bool last = false)
    {
        int size = GrpcPrefix + message.Length;
        for (; ; )
        {
            lock (_writing)
            {
                if (Math.Min(_connectionWindow, _streamWindow) >= size)
                {
                    _connectionWindow -= size;
                    _streamWindow -= size;
                    Frame(FrameType.Data, last ? EndStream : (byte)0, _stream, EtcdClient.Frame(message.ToArray()));
                    Flush();
                    return;
                }

                _windowOpened.Reset();
            }

            if (!_windowOpened.Wait(Patience))
            {
                throw new BenchException("the server reads no more requests");
            }
        }
    }

    /// <summary>Waits for the next message, which is valid until the next call of this method.</summary>
    /// <returns>False if the server has ended the call.</returns>
    /// <exception cref="BenchException">The connection has ended.</exception>
    public bool Read(out ReadOnlySpan<byte> message)
    {
        for (; ; )
        {
            ReadOnlySpan<byte> bytes = _messages.Unread;
            if (bytes.Length >= GrpcPrefix
                && BinaryPrimitives.ReadInt32BigEndian(bytes[1..]) is var length
                && bytes.Length >= GrpcPrefix + length)
            {
                message = bytes.Slice(GrpcPrefix, length);
                _messages.Skip(GrpcPrefix + length);
                return true;
            }

            message = default;
            if (_ended)
            {
                return false;
            }

            ReadFrame();
        }
    }

    /// <summary>A whole unary call.</summary>
    /// <exception cref="BenchException">The call failed.</exception>
    public byte[] Call(string method, ReadOnlySpan<byte> request)
    {
        Begin(method);
        Send(request, last: true);
        byte[]? response = null;
        while (Read(out ReadOnlySpan<byte> message))
        {
            response = message.ToArray();
        }

        return response ?? throw new BenchException($"{method} failed");
    }

    public void Dispose()
    {
        _socket.Dispose();
        _windowOpened.Dispose();
    }

    private const byte EndStream = 1;
    private const byte Acknowledge = 1;
    private const byte EndHeaders = 4;

    private void ReadFrame()
    {
        int length;
        while (_frames.Unread.Length < FrameHeader
            || _frames.Unread.Length < FrameHeader + (length = BinaryPrimitives.ReadInt32BigEndian(_frames.Unread) >>> 8))
        {
            int got;
            try
            {
                got = _socket.Receive(_frames.Free());
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                got = 0;
            }

            if (got == 0)
            {
                throw new BenchException("the server closed the connection");
            }

            _frames.Added(got);
        }

        ReadOnlySpan<byte> frame = _frames.Unread[..(FrameHeader + length)];
        Handle((FrameType)frame[3], frame[4], BinaryPrimitives.ReadInt32BigEndian(frame[5..]), frame[FrameHeader..]);
        _frames.Skip(frame.Length);
    }

    private void Handle(FrameType type, byte flags, int stream, ReadOnlySpan<byte> content)
    {
        switch (type)
        {
            case FrameType.Data:
                _messages.Add(content);
                Reopen(content.Length);
                _ended |= (flags & EndStream) != 0;
                break;
            case FrameType.Headers:
                _ended |= (flags & EndStream) != 0;
                break;
            case FrameType.ResetStream:
                // After the answer of a unary call, the server resets the stream, as it needs no more of the request.
                _ended |= stream == _stream;
                break;
            case FrameType.Settings when flags == 0:
                TakeSettings(content);
                break;
            case FrameType.Ping when flags == 0:
                Answer(FrameType.Ping, content);
                break;
            case FrameType.WindowUpdate:
                lock (_writing)
                {
                    ref int window = ref stream == 0 ? ref _connectionWindow : ref _streamWindow;
                    if (stream == 0 || stream == _stream)
                    {
                        window += BinaryPrimitives.ReadInt32BigEndian(content);
                    }

                    _windowOpened.Set();
                }

                break;
            case FrameType.GoAway:
                throw new BenchException($"the server ends the connection: {Encoding.ASCII.GetString(content[8..])}");
            default:
                break;
        }
    }

    private void TakeSettings(ReadOnlySpan<byte> settings)
    {
        lock (_writing)
        {
            for (; settings.Length >= 6; settings = settings[6..])
            {
                if (settings[1] != 4)
                {
                    continue;
                }

                int initial = BinaryPrimitives.ReadInt32BigEndian(settings[2..]);
                _streamWindow += initial - _initialWindow;
                _initialWindow = initial;
            }

            _windowOpened.Set();
        }

        Answer(FrameType.Settings, []);
    }

    private void Answer(FrameType type, ReadOnlySpan<byte> content)
    {
        lock (_writing)
        {
            Frame(type, Acknowledge, 0, content);
            Flush();
        }
    }

    private void Reopen(int taken)
    {
        _taken += taken;
        if (_taken < ReopenWindow)
        {
            return;
        }

        lock (_writing)
        {
            OpenWindow(0, _taken);
            OpenWindow(_stream, _taken);
            Flush();
        }

        _taken = 0;
    }

    private void OpenWindow(int stream, int bytes)
    {
        Span<byte> content = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(content, bytes);
        Frame(FrameType.WindowUpdate, 0, stream, content);
    }

    private void Frame(FrameType type, byte flags, int stream, ReadOnlySpan<byte> content)
    {
        Span<byte> header = _out.GetSpan(FrameHeader);
        BinaryPrimitives.WriteInt32BigEndian(header, content.Length << 8 | (byte)type);
        header[4] = flags;
        BinaryPrimitives.WriteInt32BigEndian(header[5..], stream);
        _out.Advance(FrameHeader);
        _out.Write(content);
    }

    private void Flush()
    {
        _socket.Send(_out.WrittenSpan);
        _out.ResetWrittenCount();
    }

    /// <summary>Encodes headers with HPACK's static table only, so that the connection keeps no state.</summary>
    private byte[] RequestHeaders(string method)
    {
        string authority = $"127.0.0.1:{_port}";
        string path = $"/etcdserverpb.{method}";
        return
        [
            0x83, 0x86, // :method POST, :scheme http
            0x04, .. Text(path), 0x01, .. Text(authority), 0x0f, 0x10, .. Text("application/grpc"), // content-type is 31 = 15 + 16
            0x00, .. Text("te"), .. Text("trailers"),
        ];

        static byte[] Text(string text) => [(byte)text.Length, .. Encoding.ASCII.GetBytes(text)];
    }
}
