using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.InteropServices;

namespace PgEtcd.Api.Connections;

/// <summary>
/// etcd's clients up to 3.4, etcdctl among them, open a connection to one endpoint for calls such as Status and name it in
/// <c>:authority</c> as it was typed: <c>http://host:2379</c>. That is no authority, and Kestrel resets such streams. grpc-go
/// does not mind, so the client's first request is mended on its way in: the three characters behind the scheme become
/// others that may stand in a host name. It is the only request to be mended, since HPACK refers back to it in all others.
/// </summary>
/// <remarks>Done in place: what is put in is as long as what it replaces, also in Huffman's code. An IPv6 address behind the
/// scheme stays refused.</remarks>
internal sealed class SchemeInAuthority(PipeReader inner) : PipeReader
{
    private const int FrameHeader = HeaderBlock.FrameHeader;

    private ReadOnlySequence<byte> _given;

    // From the start of what is not consumed to the frame to look at next: first behind the preface.
    private long _next = 24;
    private bool _done;

    /// <summary>A transport of HTTP/2 whose first request is mended.</summary>
    public static IDuplexPipe Mend(IDuplexPipe transport) => new Mended(new SchemeInAuthority(transport.Input), transport.Output);

    public override async ValueTask<ReadResult> ReadAsync(CancellationToken cancellationToken = default)
    {
        while (true)
        {
            ReadResult read = await inner.ReadAsync(cancellationToken);
            if (Look(ref read))
            {
                return read;
            }
        }
    }

    public override bool TryRead(out ReadResult result) => inner.TryRead(out result) && Look(ref result);

    public override void AdvanceTo(SequencePosition consumed) => AdvanceTo(consumed, consumed);

    public override void AdvanceTo(SequencePosition consumed, SequencePosition examined)
    {
        if (!_done)
        {
            _next -= _given.Slice(0, consumed).Length;
        }

        inner.AdvanceTo(consumed, examined);
    }

    public override void CancelPendingRead() => inner.CancelPendingRead();

    public override void Complete(Exception? exception = null) => inner.Complete(exception);

    /// <summary>Passes on what was read, but not a part of the first request. False, and all is given back, if that is all.</summary>
    private bool Look(ref ReadResult read)
    {
        if (_done)
        {
            return true;
        }

        ReadOnlySequence<byte> buffer = read.Buffer;
        Span<byte> header = stackalloc byte[FrameHeader];
        while (!_done && buffer.Length >= _next + FrameHeader)
        {
            buffer.Slice(_next, FrameHeader).CopyTo(header);
            int length = header[0] << 16 | header[1] << 8 | header[2];
            bool isRequest = header[3] == HeaderBlock.FrameType;
            if (length > HeaderBlock.LargestFrame)
            {
                _done = true; // not for us to hold: Kestrel refuses it
                break;
            }

            if (isRequest && buffer.Length < _next + FrameHeader + length)
            {
                break;
            }

            if (isRequest)
            {
                SchemeMending.Mend(buffer.Slice(_next + FrameHeader, length), flags: header[4]);
            }

            _done = isRequest;
            _next += FrameHeader + length;
        }

        if (!_done && !read.IsCompleted && !read.IsCanceled && buffer.Length > _next)
        {
            // The rest is the beginning of a frame that may be the request.
            if (_next == 0)
            {
                inner.AdvanceTo(buffer.Start, buffer.End);
                return false;
            }

            buffer = buffer.Slice(0, _next);
            read = new ReadResult(buffer, isCanceled: false, isCompleted: false);
        }

        _given = buffer;
        return true;
    }

    private sealed record Mended(PipeReader Input, PipeWriter Output) : IDuplexPipe;
}

/// <summary>Takes the scheme out of an authority without making it shorter.</summary>
internal static class SchemeMending
{
    // "http" and "https" in Huffman's code, and "://" behind them: with this mask it becomes "x--", bit for bit as long.
    private const string Http = "100111" + "01001" + "01001" + "101011";
    private const string Https = Http + "01000";
    private const string Separator = "1011100" + "011000" + "011000";
    private const string Mask = "0100101" + "001110" + "001110";

    /// <summary>Mends the authority if there is a scheme in it.</summary>
    /// <param name="payload">Of a HEADERS frame.</param>
    /// <param name="flags">Of the frame.</param>
    public static void Mend(ReadOnlySequence<byte> payload, byte flags)
    {
        byte[] block = payload.ToArray();
        if (HeaderBlock.FindAuthority(block, flags) is { } value)
        {
            Span<byte> authority = block.AsSpan(value.Start..value.End);
            if (value.IsHuffman ? MendHuffman(authority) : MendPlain(authority))
            {
                CopyBack(block, payload);
            }
        }
    }

    private static bool MendPlain(Span<byte> authority)
    {
        int separator = authority.IndexOf("://"u8);
        if (separator < 0)
        {
            return false;
        }

        "x--"u8.CopyTo(authority[separator..]);
        return true;
    }

    private static bool MendHuffman(Span<byte> authority)
    {
        int separator = StartsWith(authority, Http + Separator) ? Http.Length : StartsWith(authority, Https + Separator) ? Https.Length : -1;
        if (separator < 0)
        {
            return false;
        }

        for (int bit = 0; bit < Mask.Length; bit++)
        {
            if (Mask[bit] == '1')
            {
                authority[(separator + bit) / 8] ^= (byte)(0x80 >> (separator + bit) % 8);
            }
        }

        return true;
    }

    private static bool StartsWith(ReadOnlySpan<byte> bytes, string bits)
    {
        for (int bit = 0; bit < bits.Length; bit++)
        {
            if (bit / 8 >= bytes.Length || (bytes[bit / 8] >> (7 - bit % 8) & 1) != bits[bit] - '0')
            {
                return false;
            }
        }

        return true;
    }

    private static void CopyBack(ReadOnlySpan<byte> block, ReadOnlySequence<byte> payload)
    {
        foreach (ReadOnlyMemory<byte> segment in payload)
        {
            // The memory is the connection's own buffer, and nobody has read it yet.
            block[..segment.Length].CopyTo(MemoryMarshal.AsMemory(segment).Span);
            block = block[segment.Length..];
        }
    }
}
