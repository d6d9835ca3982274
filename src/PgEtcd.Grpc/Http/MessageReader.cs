using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Grpc.Http;

/// <summary>
/// Reads the messages of a request body. The words of the errors are grpc-go's, which etcd's clients know.
/// </summary>
internal readonly struct MessageReader(PipeReader pipe, int maxMessageSize, string? encoding, MethodMetrics metrics)
{
    /// <summary>The one encoding besides identity that requests may have.</summary>
    public const string Gzip = "gzip";

    /// <summary>Reads the only message of a request, to the end of the body.</summary>
    /// <exception cref="RpcException">The body is no single, whole message.</exception>
    public async ValueTask<T> ReadSingleAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
    {
        T message = default!;
        bool found = false;
        while (true)
        {
            if (!pipe.TryRead(out ReadResult read))
                read = await pipe.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            try
            {
                if (!found)
                    found = TryTake(marshaller, ref buffer, out message);
                if (found && !buffer.IsEmpty)
                    throw Internal("grpc: received more than one message for a call with one request");
                // Ending the call before the client has ended its side would reset the stream.
                if (read.IsCompleted)
                    return found ? message : throw Internal("unexpected EOF");
            }
            finally
            {
                pipe.AdvanceTo(buffer.Start, buffer.End);
            }
        }
    }

    /// <summary>Reads the next message of a stream; <c>Found</c> is false at its end.</summary>
    /// <exception cref="RpcException">The body ends within a message, or the message is malformed.</exception>
    public async ValueTask<(bool Found, T Message)> ReadNextAsync<T>(Marshaller<T> marshaller, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (!pipe.TryRead(out ReadResult read))
                read = await pipe.ReadAsync(cancellationToken);
            ReadOnlySequence<byte> buffer = read.Buffer;
            bool found = false;
            try
            {
                found = TryTake(marshaller, ref buffer, out T message);
                if (found)
                    return (true, message);
                if (read.IsCompleted)
                    return buffer.IsEmpty ? (false, message) : throw Internal("unexpected EOF");
            }
            finally
            {
                // What follows a message has not been looked at and must make the next read return at once.
                pipe.AdvanceTo(buffer.Start, found ? buffer.Start : buffer.End);
            }
        }
    }

    private bool TryTake<T>(Marshaller<T> marshaller, ref ReadOnlySequence<byte> buffer, out T message)
    {
        message = default!;
        if (buffer.Length < MessageSerializer.PrefixLength)
            return false;
        Span<byte> prefix = stackalloc byte[MessageSerializer.PrefixLength];
        buffer.Slice(0, MessageSerializer.PrefixLength).CopyTo(prefix);
        uint length = BinaryPrimitives.ReadUInt32BigEndian(prefix[1..]);
        if (prefix[0] > 1)
            throw Internal($"grpc: received unexpected payload format {prefix[0]}");
        if (length > (uint)maxMessageSize)
            throw Exhausted($"grpc: received message larger than max ({length} vs. {maxMessageSize})");
        if (buffer.Length < MessageSerializer.PrefixLength + length)
            return false;
        ReadOnlySequence<byte> payload = buffer.Slice(MessageSerializer.PrefixLength, length);
        if (prefix[0] == 1)
            payload = Decompress(payload);
        message = MessageDeserializer.Read(marshaller, payload);
        metrics.Received(length);
        buffer = buffer.Slice(MessageSerializer.PrefixLength + length);
        return true;
    }

    private ReadOnlySequence<byte> Decompress(ReadOnlySequence<byte> payload)
    {
        if (encoding != Gzip)
            throw Internal("grpc: compressed flag set with identity or empty encoding");
        try
        {
            using var gzip = new GZipStream(new MemoryStream(payload.ToArray()), CompressionMode.Decompress);
            var output = new ArrayBufferWriter<byte>();
            while (true)
            {
                int count = gzip.Read(output.GetSpan(4096));
                if (count == 0)
                    return new ReadOnlySequence<byte>(output.WrittenMemory);
                output.Advance(count);
                if (output.WrittenCount > maxMessageSize)
                    throw Exhausted($"grpc: received message after decompression larger than max {maxMessageSize}");
            }
        }
        catch (InvalidDataException e)
        {
            throw Internal($"grpc: failed to decompress the received message: {e.Message}");
        }
    }

    private static RpcException Internal(string detail) => new(new Status(StatusCode.Internal, detail));

    private static RpcException Exhausted(string detail) => new(new Status(StatusCode.ResourceExhausted, detail));
}
