using System.Buffers;
using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Api.Wire;

/// <summary>Writes a <see cref="WatchUpdate"/> as a WatchResponse (wire.md). Records are copied as they are encoded in memory.</summary>
/// <param name="headers">Makes the header of each response.</param>
internal sealed class WatchEncoding(ResponseHeaders headers)
{
    private const int HeaderField = 1;
    private const int WatchIdField = 2;
    private const int CreatedField = 3;
    private const int CanceledField = 4;
    private const int CompactRevisionField = 5;
    private const int CancelReasonField = 6;
    private const int FragmentField = 7;
    private const int EventsField = 11;

    // mvccpb.Event and, for a delete, mvccpb.KeyValue
    private const int TypeField = 1;
    private const int KvField = 2;
    private const int PrevKvField = 3;
    private const int KeyField = 1;
    private const int ModRevisionField = 3;

    /// <summary>Writes the updates of this frontend.</summary>
    public LongMarshaller<WatchUpdate> Marshaller =>
        field ??= new LongMarshaller<WatchUpdate>(Serialize, update => SizeUpTo(update, long.MaxValue), WriteInPieces);

    /// <summary>Size on the wire, bytes.</summary>
    /// <exception cref="RpcException">The update exceeds the largest message, in etcd's words.</exception>
    public int Size(WatchUpdate update) => ProtoWriter.MessageSize(SizeUpTo(update, long.MaxValue));

    /// <summary>Cuts an update into pieces below a size limit, if its client allows that. A single event may exceed the limit
    /// (semantics.md §7, fragment).</summary>
    /// <param name="update">The update.</param>
    /// <param name="limit">Bytes.</param>
    /// <returns>The update itself when it is small enough, has one event, or may not be cut.</returns>
    public IEnumerable<WatchUpdate> Cut(WatchUpdate update, int limit)
    {
        if (!update.MayBeCut || update.Events.Count < 2 || SizeUpTo(update, limit) < limit)
        {
            yield return update;
            yield break;
        }

        int empty = SizeWithoutEvents(update with { IsCut = true });
        for (int first = 0; first < update.Events.Count;)
        {
            int end = first;
            long size = empty;
            do
            {
                size += ProtoWriter.BytesSize(EventSize(update.Events[end++], update.PreviousValues));
            }
            while (end < update.Events.Count && size + ProtoWriter.BytesSize(EventSize(update.Events[end], update.PreviousValues)) < limit);

            yield return update with { Events = [.. update.Events.Skip(first).Take(end - first)], IsCut = end < update.Events.Count };
            first = end;
        }
    }

    /// <summary>The size, counted only until it reaches a limit.</summary>
    private long SizeUpTo(WatchUpdate update, long limit)
    {
        long size = SizeWithoutEvents(update);
        for (int i = 0; i < update.Events.Count && size < limit; i++)
        {
            size += ProtoWriter.BytesSize(EventSize(update.Events[i], update.PreviousValues));
        }

        return size;
    }

    private int SizeWithoutEvents(WatchUpdate update) =>
        ProtoWriter.BytesSize(headers.Size(update.Revision))
        + ProtoWriter.NumberSize(WatchIdField, (ulong)update.WatchId)
        + ProtoWriter.NumberSize(CreatedField, update.Created ? 1u : 0u)
        + ProtoWriter.NumberSize(CanceledField, update.Canceled ? 1u : 0u)
        + ProtoWriter.NumberSize(CompactRevisionField, (ulong)update.CompactRevision)
        + (update.CancelReason.Length == 0 ? 0 : ProtoWriter.BytesSize(update.CancelReason.Length))
        + ProtoWriter.NumberSize(FragmentField, update.IsCut ? 1u : 0u);

    private static int EventSize(in KvEvent change, bool withPrevious) =>
        ProtoWriter.NumberSize(TypeField, change.IsDelete ? 1u : 0u)
        + ProtoWriter.BytesSize(KvSize(change))
        + (withPrevious && change.Previous is { } previous ? ProtoWriter.BytesSize(previous.Encoded.Length) : 0);

    private static int KvSize(in KvEvent change) => change.Record is { } record
        ? record.Encoded.Length
        : ProtoWriter.BytesSize(change.Key.Length) + ProtoWriter.NumberSize(ModRevisionField, (ulong)change.Revision);

    private void Serialize(WatchUpdate update, SerializationContext context)
    {
        context.SetPayloadLength(Size(update));
        ProtoWriter writer = new(context.GetBufferWriter());
        WriteWithoutEvents(ref writer, update);
        foreach (KvEvent change in update.Events)
        {
            Write(ref writer, change, update.PreviousValues);
        }

        writer.Flush();
        context.Complete();
    }

    /// <summary>Writes pieces of whole events. An event is small enough: one client's put and the record that it replaced.</summary>
    private IEnumerable<int> WriteInPieces(WatchUpdate update, IBufferWriter<byte> output)
    {
        ProtoWriter start = new(output);
        WriteWithoutEvents(ref start, update);
        start.Flush();
        for (int i = 0; i < update.Events.Count;)
        {
            int written = 0;
            ProtoWriter writer = new(output);
            while (i < update.Events.Count && written < Pieces.Size)
            {
                written += EventSize(update.Events[i], update.PreviousValues);
                Write(ref writer, update.Events[i++], update.PreviousValues);
            }

            writer.Flush();
            yield return written;
        }
    }

    private void WriteWithoutEvents(ref ProtoWriter writer, WatchUpdate update)
    {
        headers.WriteField(ref writer, HeaderField, update.Revision);
        writer.Number(WatchIdField, (ulong)update.WatchId);
        writer.Number(CreatedField, update.Created ? 1u : 0u);
        writer.Number(CanceledField, update.Canceled ? 1u : 0u);
        writer.Number(CompactRevisionField, (ulong)update.CompactRevision);
        if (update.CancelReason.Length > 0)
        {
            writer.Start(CancelReasonField, update.CancelReason.Length);
            System.Text.Encoding.ASCII.GetBytes(update.CancelReason, writer.Take(update.CancelReason.Length));
        }

        writer.Number(FragmentField, update.IsCut ? 1u : 0u);
    }

    private static void Write(ref ProtoWriter writer, in KvEvent change, bool withPrevious)
    {
        writer.Start(EventsField, EventSize(change, withPrevious));
        writer.Number(TypeField, change.IsDelete ? 1u : 0u);
        writer.Start(KvField, KvSize(change));
        if (change.Record is { } record)
        {
            writer.Raw(record.Encoded.Span);
        }
        else
        {
            writer.Start(KeyField, change.Key.Length);
            writer.Raw(change.Key.Span);
            writer.Number(ModRevisionField, (ulong)change.Revision);
        }

        if (withPrevious && change.Previous is { } previous)
        {
            writer.Start(PrevKvField, previous.Encoded.Length);
            writer.Raw(previous.Encoded.Span);
        }
    }
}
