using System.Buffers;
using System.Buffers.Binary;
using System.IO.Pipelines;
using Microsoft.AspNetCore.Connections;

namespace PgEtcd.Api.Connections;

/// <summary>
/// Lets clients in that send the path of a Unix socket as :authority, as etcd's Go client does: Kestrel resets such a request, since
/// a path is no host. The authority of every request on the connection is replaced by one letter on the way in.
/// </summary>
/// <remarks>
/// It is replaced in the encoded header block. That is safe as long as the new value is no longer than the old: entries of the
/// decoder's dynamic table are then never larger than the encoder believes, so the decoder drops none that the encoder still refers
/// to (RFC 7541 §4).
/// </remarks>
internal sealed class PathAuthorities(ConnectionDelegate next)
{
    private const int FrameHeader = HeaderBlock.FrameHeader;

    public async Task OnConnectionAsync(ConnectionContext connection)
    {
        IDuplexPipe transport = connection.Transport;
        Pipe rewritten = new(new PipeOptions(useSynchronizationContext: false));
        connection.Transport = new Duplex(rewritten.Reader, transport.Output);
        Task pumping = new Pump().RunAsync(transport.Input, rewritten.Writer);
        try
        {
            await next(connection);
        }
        finally
        {
            await rewritten.Reader.CompleteAsync();
            transport.Input.CancelPendingRead();
            await pumping;
            connection.Transport = transport;
        }
    }

    /// <summary>A frame of headers with its authority replaced; as it was if it has none that can be found.</summary>
    internal static byte[] Rewrite(byte[] frame)
    {
        if (HeaderBlock.FindAuthority(frame.AsSpan(FrameHeader), flags: frame[4]) is not { } value || value.Start == value.End)
        {
            return frame;
        }

        ReadOnlySpan<byte> letter = [1, (byte)'u']; // its length, then itself
        byte[] result = [.. frame.AsSpan(0, FrameHeader + value.Encoded), .. letter, .. frame.AsSpan(FrameHeader + value.End)];
        int length = result.Length - FrameHeader;
        result[0] = (byte)(length >> 16);
        BinaryPrimitives.WriteUInt16BigEndian(result.AsSpan(1), (ushort)length);
        return result;
    }

    private sealed record Duplex(PipeReader Input, PipeWriter Output) : IDuplexPipe;

    /// <summary>Copies one direction of a connection. Only frames of headers are looked at; the rest passes as it comes.</summary>
    private sealed class Pump
    {
        private bool? _isHttp2;
        private long _passing;

        public async Task RunAsync(PipeReader source, PipeWriter target)
        {
            Exception? error = null;
            try
            {
                while (true)
                {
                    ReadResult read = await source.ReadAsync();
                    ReadOnlySequence<byte> rest = Forward(read.Buffer, target, read.IsCompleted);
                    source.AdvanceTo(rest.Start, rest.End);
                    FlushResult flush = await target.FlushAsync();
                    if (read.IsCompleted || read.IsCanceled || flush.IsCompleted)
                    {
                        break;
                    }
                }
            }
            catch (Exception e)
            {
                error = e; // Kestrel sees it where it reads
            }

            await target.CompleteAsync(error);
        }

        /// <summary>Forwards what can be, and gives the rest, which waits for more.</summary>
        private ReadOnlySequence<byte> Forward(ReadOnlySequence<byte> buffer, PipeWriter target, bool isLast)
        {
            if (_isHttp2 is null)
            {
                _isHttp2 = PlaintextProtocols.LooksLikeHttp2(buffer) ?? (isLast ? false : null);
                if (_isHttp2 is null)
                {
                    return buffer;
                }

                _passing = _isHttp2.Value ? PlaintextProtocols.PrefaceLength : long.MaxValue;
            }
            while (!buffer.IsEmpty)
            {
                if (_passing == 0 && !TryBeginFrame(ref buffer, target, isLast))
                {
                    return buffer;
                }

                long count = Math.Min(_passing, buffer.Length);
                Copy(buffer.Slice(0, count), target);
                buffer = buffer.Slice(count);
                _passing -= _passing == long.MaxValue ? 0 : count;
            }

            return buffer;
        }

        private bool TryBeginFrame(ref ReadOnlySequence<byte> buffer, PipeWriter target, bool isLast)
        {
            Span<byte> header = stackalloc byte[FrameHeader];
            if (buffer.Length < FrameHeader)
            {
                _passing = isLast ? buffer.Length : 0;
                return isLast;
            }

            buffer.Slice(0, FrameHeader).CopyTo(header);
            int length = FrameHeader + ((header[0] << 16) | (header[1] << 8) | header[2]);
            if (header[3] != HeaderBlock.FrameType || length > FrameHeader + HeaderBlock.LargestFrame)
            {
                _passing = length;
                return true;
            }

            if (buffer.Length < length)
            {
                _passing = isLast ? buffer.Length : 0;
                return isLast;
            }

            target.Write(Rewrite(buffer.Slice(0, length).ToArray()));
            buffer = buffer.Slice(length);
            return true;
        }

        private static void Copy(ReadOnlySequence<byte> bytes, PipeWriter target)
        {
            foreach (ReadOnlyMemory<byte> piece in bytes)
            {
                target.Write(piece.Span);
            }
        }
    }
}
