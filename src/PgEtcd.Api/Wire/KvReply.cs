using System.Buffers;
using Grpc.Core;
using PgEtcd.Mvcc;

namespace PgEtcd.Api.Wire;

/// <summary>A response of the KV service, not yet encoded. Records have the same form on the wire and in memory, so the response is
/// written without building messages.</summary>
/// <param name="Headers">Makes the header.</param>
/// <param name="Result">The result of the evaluation.</param>
internal sealed record KvReply(ResponseHeaders Headers, OperationResult Result)
{
    private long _size = -1;

    /// <summary>Writes RangeResponse, PutResponse, DeleteRangeResponse or TxnResponse, whichever the result is.</summary>
    public static LongMarshaller<KvReply> Marshaller { get; } = new(
        static (reply, context) => reply.Serialize(context),
        static reply => reply.Size,
        static (reply, output) => KvEncoding.WriteInPieces(output, reply.Result, reply.HeadersIfAny));

    /// <summary>Writes the response as the only field of RangeStreamResponse.</summary>
    public static LongMarshaller<KvReply> StreamMarshaller { get; } = new(
        static (reply, context) => reply.SerializeInStream(context),
        static reply => ProtoWriter.BytesSize(reply.Size),
        static (reply, output) => reply.WriteInStream(output));

    /// <summary>False for messages of a stream other than the last, which alone has a header (semantics.md, RangeStream).</summary>
    public bool HasHeader { get; init; } = true;

    /// <summary>Whether the response has already been written in pieces; serializing it then writes nothing.</summary>
    public bool IsWritten { get; init; }

    /// <summary>Bytes on the wire.</summary>
    public long Size => _size >= 0 ? _size : _size = KvEncoding.Size(Result, HasHeader ? Headers.Size(Result.Revision) : -1);

    private ResponseHeaders? HeadersIfAny => HasHeader ? Headers : null;

    private void Serialize(SerializationContext context)
    {
        context.SetPayloadLength(ProtoWriter.MessageSize(Size)); // set even if already written, for the byte counters
        if (IsWritten)
        {
            return;
        }

        ProtoWriter writer = new(context.GetBufferWriter());
        KvEncoding.Write(ref writer, Result, HeadersIfAny);
        writer.Flush();
        context.Complete();
    }

    private void SerializeInStream(SerializationContext context)
    {
        int size = ProtoWriter.MessageSize(Size);
        context.SetPayloadLength(ProtoWriter.BytesSize(size));
        ProtoWriter writer = new(context.GetBufferWriter());
        writer.Start(1, size);
        KvEncoding.Write(ref writer, Result, HeadersIfAny);
        writer.Flush();
        context.Complete();
    }

    private IEnumerable<int> WriteInStream(IBufferWriter<byte> output)
    {
        ProtoWriter writer = new(output);
        writer.Start(1, ProtoWriter.MessageSize(Size));
        writer.Flush();
        foreach (int piece in KvEncoding.WriteInPieces(output, Result, HeadersIfAny))
        {
            yield return piece;
        }
    }
}
