using System.Buffers;
using Grpc.Core;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api.Wire;

/// <summary>Marshallers that count messages, and refuse requests in grpc-go's words, which clients recognise.</summary>
internal static class Messages
{
    /// <summary>The method with marshallers that count.</summary>
    public static Method<TRequest, TResponse> Counted<TRequest, TResponse>(
        Method<TRequest, TResponse> method, MethodMetrics metrics, int maxRequest) => new(
        method.Type, method.ServiceName, method.Name, Requests(method.RequestMarshaller, metrics, maxRequest),
        Responses(method.ResponseMarshaller, metrics));

    /// <summary>Decodes a message that did not come over a connection.</summary>
    public static T Decode<T>(Marshaller<T> marshaller, byte[] message) => marshaller.ContextualDeserializer(new Received(message));

    /// <summary>Encodes a message without a frame.</summary>
    public static byte[] Encode<T>(Marshaller<T> marshaller, T message)
    {
        Captured captured = new();
        marshaller.ContextualSerializer(message, captured);
        return captured.Bytes;
    }

    private static Marshaller<T> Requests<T>(Marshaller<T> inner, MethodMetrics metrics, int max) => Marshallers.Create<T>(
        static (_, _) => throw new NotSupportedException("Requests are only read."),
        context =>
        {
            int length = context.PayloadLength;
            if (length > max)
            {
                throw new RpcException(
                    new Status(StatusCode.ResourceExhausted, $"grpc: received message larger than max ({length} vs. {max})"));
            }

            try
            {
                T message = inner.ContextualDeserializer(context);
                metrics.Received(length);
                return message;
            }
            catch (Exception e) when (e is not RpcException)
            {
                throw new RpcException(new Status(StatusCode.Internal, $"grpc: error unmarshalling request: {e.Message}", e));
            }
        });

    private static Marshaller<T> Responses<T>(Marshaller<T> inner, MethodMetrics metrics) => Marshallers.Create<T>(
        (message, context) => metrics.Sent(Counting.Write(inner, message, context)),
        static _ => throw new NotSupportedException("Responses are only written."));

    /// <summary>Records the length of a message. Each thread reuses one object, because serializers do not wait.</summary>
    private sealed class Counting : SerializationContext
    {
        [ThreadStatic]
        private static Counting? _cached;

        private SerializationContext _inner = null!;
        private int _length;

        public static int Write<T>(Marshaller<T> marshaller, T message, SerializationContext context)
        {
            Counting counting = _cached ?? new Counting();
            _cached = null;
            counting._inner = context;
            marshaller.ContextualSerializer(message, counting);
            counting._inner = null!;
            _cached = counting;
            return counting._length;
        }

        public override void SetPayloadLength(int payloadLength)
        {
            _length = payloadLength;
            _inner.SetPayloadLength(payloadLength);
        }

        public override IBufferWriter<byte> GetBufferWriter() => _inner.GetBufferWriter();

        public override void Complete() => _inner.Complete();

        public override void Complete(byte[] payload)
        {
            _length = payload.Length;
            _inner.Complete(payload);
        }
    }

    private sealed class Received(byte[] message) : DeserializationContext
    {
        public override int PayloadLength => message.Length;

        public override byte[] PayloadAsNewBuffer() => [.. message];

        public override ReadOnlySequence<byte> PayloadAsReadOnlySequence() => new(message);
    }

    private sealed class Captured : SerializationContext
    {
        private readonly ArrayBufferWriter<byte> _written = new();

        public byte[] Bytes { get; private set; } = [];

        public override void SetPayloadLength(int payloadLength)
        {
        }

        public override IBufferWriter<byte> GetBufferWriter() => _written;

        public override void Complete() => Bytes = _written.WrittenSpan.ToArray();

        public override void Complete(byte[] payload) => Bytes = payload;
    }
}
