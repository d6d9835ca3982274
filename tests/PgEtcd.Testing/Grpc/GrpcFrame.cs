using System.Buffers.Binary;

namespace PgEtcd.Testing.Grpc;

/// <summary>The five bytes before every message: compressed or not, and the length.</summary>
public static class GrpcFrame
{
    /// <summary>Bytes before each message.</summary>
    public const int PrefixLength = 5;

    /// <summary>Puts the prefix before a message.</summary>
    public static byte[] Wrap(ReadOnlySpan<byte> message, bool compressed = false)
    {
        byte[] frame = new byte[PrefixLength + message.Length];
        frame[0] = compressed ? (byte)1 : (byte)0;
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame.AsSpan(PrefixLength));
        return frame;
    }

    /// <summary>Reads one message; null at the end of the stream.</summary>
    /// <exception cref="InvalidDataException">The stream ends within a message, or the message is compressed.</exception>
    public static async Task<byte[]?> ReadAsync(Stream stream, CancellationToken cancellationToken)
    {
        byte[] prefix = new byte[PrefixLength];
        int got = await stream.ReadAtLeastAsync(prefix, PrefixLength, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        if (got == 0)
        {
            return null;
        }

        if (got < PrefixLength)
        {
            throw new InvalidDataException("The response ends within the prefix of a message.");
        }

        if (prefix[0] != 0)
        {
            throw new InvalidDataException("The response is compressed, which was not asked for.");
        }

        byte[] message = new byte[BinaryPrimitives.ReadInt32BigEndian(prefix.AsSpan(1))];
        got = await stream.ReadAtLeastAsync(message, message.Length, throwOnEndOfStream: false, cancellationToken).ConfigureAwait(false);
        return got == message.Length ? message : throw new InvalidDataException("The response ends within a message.");
    }
}
