using System.Buffers;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Metrics;

namespace PgEtcd.Api.Wire;

/// <summary>Marshallers: those of generated messages, and those that count messages and refuse requests in grpc-go's words, which clients
/// recognise.</summary>
internal static class Messages
{
    /// <summary>The marshaller of a generated message.</summary>
    public static Marshaller<T> Of<T>(MessageParser<T> parser)
        where T : IMessage<T> => Marshallers.Create<T>(
        static (message, context) =>
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        },
        context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));

    /// <summary>Decodes a message that did not come over a connection.</summary>
    public static T Decode<T>(Marshaller<T> marshaller, byte[] message) => marshaller.ContextualDeserializer(new Received(message));

    /// <summary>Encodes a message without a frame.</summary>
    public static byte[] Encode<T>(Marshaller<T> marshaller, T message)
    {
        ArrayBufferWriter<byte> frame = new();
        MessageFrame.Write(frame, marshaller, message);
        return frame.WrittenSpan[MessageFrame.PrefixLength..].ToArray();
    }

    /// <summary>Counts the requests of a method, and refuses those that are too large.</summary>
    public static Marshaller<T> Requests<T>(Marshaller<T> inner, MethodMetrics metrics, int max) => Marshallers.Create<T>(
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

    /// <summary>Counts the responses of a method.</summary>
    public static Marshaller<T> Responses<T>(Marshaller<T> inner, MethodMetrics metrics) => Marshallers.Create<T>(
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
}
