namespace PgEtcd.Api.Connections;

/// <summary>The headers of a request as HPACK encodes them (RFC 7541), read as far as it takes to find the authority.</summary>
internal static class HeaderBlock
{
    /// <summary>Of a frame, in front of its payload.</summary>
    public const int FrameHeader = 9;

    /// <summary>The type of a frame that holds headers.</summary>
    public const byte FrameType = 1;

    /// <summary>What HTTP/2 allows, and Kestrel takes, unless more was agreed on.</summary>
    public const int LargestFrame = 16 * 1024;

    private const byte Padded = 0x8;
    private const byte HasPriority = 0x20;
    private const int PriorityLength = 5;
    private const int AuthorityIndex = 1; // in HPACK's static table

    /// <summary>Where the value of a literal :authority is; null if there is none that is whole.</summary>
    /// <param name="payload">Of a frame of headers.</param>
    /// <param name="flags">Of the frame.</param>
    public static Authority? FindAuthority(ReadOnlySpan<byte> payload, byte flags)
    {
        int at = 0;
        int end = payload.Length;
        if ((flags & Padded) != 0 && end > 0)
        {
            end -= payload[at++];
        }

        at += (flags & HasPriority) != 0 ? PriorityLength : 0;
        while (at < end)
        {
            byte first = payload[at];
            bool isIndexed = (first & 0x80) != 0;
            bool isTableSize = (first & 0xe0) == 0x20;
            int name = Number(payload, ref at, isIndexed ? 7 : isTableSize ? 5 : (first & 0x40) != 0 ? 6 : 4);
            if (isIndexed || isTableSize)
            {
                continue;
            }

            if (name == 0)
            {
                Text(payload, ref at);
            }

            int encoded = at;
            (int start, bool isHuffman) = Text(payload, ref at);
            if (name == AuthorityIndex)
            {
                return at <= end ? new Authority(encoded, start, at, isHuffman) : null;
            }
        }

        return null;
    }

    private static (int Start, bool IsHuffman) Text(ReadOnlySpan<byte> payload, ref int at)
    {
        bool isHuffman = at < payload.Length && (payload[at] & 0x80) != 0;
        int length = Number(payload, ref at, 7);
        int start = at;
        at = length > payload.Length - at ? int.MaxValue : at + length;
        return (start, isHuffman);
    }

    /// <summary>A number that begins in the lower bits of a byte (RFC 7541 §5.1). What is cut off or too large leads past the end.</summary>
    private static int Number(ReadOnlySpan<byte> payload, ref int at, int bits)
    {
        if (at >= payload.Length)
        {
            at = int.MaxValue;
            return 0;
        }

        int most = (1 << bits) - 1;
        int number = payload[at++] & most;
        if (number < most)
        {
            return number;
        }

        for (int shift = 0; shift <= 14 && at < payload.Length; shift += 7)
        {
            byte next = payload[at++];
            number += (next & 0x7f) << shift;
            if ((next & 0x80) == 0)
            {
                return number;
            }
        }

        at = int.MaxValue;
        return 0;
    }

    /// <summary>A value in a payload.</summary>
    /// <param name="Encoded">Where its length stands.</param>
    /// <param name="Start">Where it begins.</param>
    /// <param name="End">Behind it.</param>
    /// <param name="IsHuffman">Whether it is in Huffman's code.</param>
    internal readonly record struct Authority(int Encoded, int Start, int End, bool IsHuffman);
}
