using System.Buffers;
using Grpc.Core;

namespace PgEtcd.Grpc.Http;

/// <summary>Lets a marshaller read its message where it lies. One object a thread is reused.</summary>
internal sealed class MessageDeserializer : DeserializationContext
{
    [ThreadStatic]
    private static MessageDeserializer? _cached;

    private ReadOnlySequence<byte> _payload;

    public override int PayloadLength => (int)_payload.Length;

    /// <summary>Reads one message.</summary>
    /// <exception cref="RpcException">Internal, if the bytes are no such message.</exception>
    public static T Read<T>(Marshaller<T> marshaller, in ReadOnlySequence<byte> payload)
    {
        MessageDeserializer deserializer = _cached ?? new MessageDeserializer();
        _cached = null;
        deserializer._payload = payload;
        try
        {
            return marshaller.ContextualDeserializer(deserializer);
        }
        catch (Exception e) when (e is not RpcException)
        {
            throw new RpcException(new Status(StatusCode.Internal, $"grpc: error unmarshalling request: {e.Message}", e));
        }
        finally
        {
            deserializer._payload = default;
            _cached = deserializer;
        }
    }

    public override byte[] PayloadAsNewBuffer() => _payload.ToArray();

    public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => _payload;
}
