using System.Buffers;
using Grpc.Core;

namespace PgEtcd.Api.Wire;

/// <summary>Writes messages that may be long, at once or in pieces. In pieces, a slow client makes the writer wait instead of leaving
/// the whole message in a buffer.</summary>
/// <param name="write">Writes a message at once.</param>
/// <param name="size">Bytes of a message.</param>
/// <param name="pieces">Writes a message in pieces, each when the enumeration reaches it, and returns the size of each in bytes: about
/// <see cref="Pieces.Size"/> or less.</param>
internal sealed class LongMarshaller<T>(
    Action<T, SerializationContext> write, Func<T, long> size, Func<T, IBufferWriter<byte>, IEnumerable<int>> pieces)
    : Marshaller<T>(write, static _ => throw new NotSupportedException("Responses are only written."))
{
    /// <summary>Bytes of a message.</summary>
    public long Size(T message) => size(message);

    /// <summary>Writes a message without its frame, piece by piece.</summary>
    public IEnumerable<int> Pieces(T message, IBufferWriter<byte> output) => pieces(message, output);
}

/// <summary>The pieces of long messages.</summary>
internal static class Pieces
{
    /// <summary>Bytes of a piece: as many as Kestrel buffers before a writer has to wait.</summary>
    public const int Size = 64 * 1024;

    /// <summary>Writes bytes in pieces.</summary>
    public static IEnumerable<int> Write(IBufferWriter<byte> output, ReadOnlyMemory<byte> bytes)
    {
        for (; !bytes.IsEmpty; bytes = bytes[Math.Min(bytes.Length, Size)..])
        {
            int length = Math.Min(bytes.Length, Size);
            output.Write(bytes.Span[..length]);
            yield return length;
        }
    }
}
