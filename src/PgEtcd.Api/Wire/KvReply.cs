using Grpc.Core;
using PgEtcd.Mvcc;

namespace PgEtcd.Api.Wire;

/// <summary>A response of the KV service, not yet encoded. Records have the same form on the wire and in memory, so it is
/// written piece by piece without building messages.</summary>
/// <param name="Headers">Makes the header.</param>
/// <param name="Result">The result of the evaluation.</param>
internal sealed record KvReply(ResponseHeaders Headers, OperationResult Result)
{
    /// <summary>Writes RangeResponse, PutResponse, DeleteRangeResponse or TxnResponse, whichever the result is.</summary>
    public static Marshaller<KvReply> Marshaller { get; } = Marshallers.Create<KvReply>(
        static (reply, context) => reply.Serialize(context),
        static _ => throw new NotSupportedException("Replies are only written."));

    /// <summary>The same, as the one field of RangeStreamResponse.</summary>
    public static Marshaller<KvReply> StreamMarshaller { get; } = Marshallers.Create<KvReply>(
        static (reply, context) => reply.SerializeInStream(context),
        static _ => throw new NotSupportedException("Replies are only written."));

    /// <summary>False for the messages of a stream before the last: they have no header (semantics.md, RangeStream).</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>Bytes on the wire.</summary>
    public long Size => KvEncoding.Size(Result, HeaderSize);

    private int HeaderSize => HasHeader ? Headers.Size(Result.Revision) : -1;

    private void Serialize(SerializationContext context)
    {
        context.SetPayloadLength(ProtoWriter.MessageSize(Size));
        ProtoWriter writer = new(context.GetBufferWriter());
        KvEncoding.Write(ref writer, Result, HasHeader ? Headers : null);
        writer.Flush();
        context.Complete();
    }

    private void SerializeInStream(SerializationContext context)
    {
        int size = ProtoWriter.MessageSize(Size);
        context.SetPayloadLength(ProtoWriter.BytesSize(size));
        ProtoWriter writer = new(context.GetBufferWriter());
        writer.Start(1, size);
        KvEncoding.Write(ref writer, Result, HasHeader ? Headers : null);
        writer.Flush();
        context.Complete();
    }
}
