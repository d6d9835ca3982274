using Grpc.Core;
using PgEtcd.Mvcc;

namespace PgEtcd.Server.Wire;

/// <summary>A WatchResponse, not yet encoded: events go on the wire as the records in them are in memory (wire.md).</summary>
/// <param name="Headers">Makes the header.</param>
/// <param name="Revision">Of the header.</param>
/// <param name="WatchId">The watch, or -1.</param>
public sealed record WatchReply(ResponseHeaders Headers, long Revision, long WatchId)
{
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

    /// <summary>WatchReply on the wire.</summary>
    public static Marshaller<WatchReply> Marshaller { get; } = Marshallers.Create<WatchReply>(
        static (reply, context) => reply.Serialize(context),
        static _ => throw new NotSupportedException("Replies are only written."));

    /// <summary>The answer to a create request.</summary>
    public bool Created { get; init; }

    /// <summary>The watch has ended.</summary>
    public bool Canceled { get; init; }

    /// <summary>Why it has ended, when the reason is a compaction: the compact revision.</summary>
    public long CompactRevision { get; init; }

    /// <summary>Why it could not be created.</summary>
    public string CancelReason { get; init; } = "";

    /// <summary>More of the same revision follows.</summary>
    public bool Fragment { get; init; }

    /// <summary>The events.</summary>
    public IReadOnlyList<KvEvent> Events { get; init; } = [];

    /// <summary>Whether the events tell what was before them.</summary>
    public bool PreviousValues { get; init; }

    /// <summary>Roughly what it holds on to.</summary>
    public long Bytes { get; init; }

    /// <summary>Size on the wire, bytes.</summary>
    public int Size()
    {
        int size = ProtoWriter.BytesSize(Headers.Size(Revision))
            + ProtoWriter.NumberSize(2, (ulong)WatchId)
            + ProtoWriter.NumberSize(CreatedField, Created ? 1u : 0u)
            + ProtoWriter.NumberSize(CanceledField, Canceled ? 1u : 0u)
            + ProtoWriter.NumberSize(CompactRevisionField, (ulong)CompactRevision)
            + (CancelReason.Length == 0 ? 0 : ProtoWriter.BytesSize(CancelReason.Length)) // texts are ASCII
            + ProtoWriter.NumberSize(FragmentField, Fragment ? 1u : 0u);
        foreach (KvEvent change in Events)
        {
            size = checked(size + ProtoWriter.BytesSize(EventSize(change)));
        }

        return size;
    }

    /// <summary>Cuts it into pieces that stay below a size, as far as single events do (semantics.md §7, fragment).</summary>
    /// <param name="limit">Bytes.</param>
    public IEnumerable<WatchReply> Cut(int limit)
    {
        if (Events.Count < 2 || Size() < limit)
        {
            yield return this;
            yield break;
        }

        int empty = (this with { Events = [], Fragment = true }).Size();
        for (int first = 0; first < Events.Count;)
        {
            int end = first;
            int size = empty;
            do
            {
                size += ProtoWriter.BytesSize(EventSize(Events[end++]));
            }
            while (end < Events.Count && size + ProtoWriter.BytesSize(EventSize(Events[end])) < limit);

            yield return this with { Events = [.. Events.Skip(first).Take(end - first)], Fragment = end < Events.Count };
            first = end;
        }
    }

    private int EventSize(in KvEvent change) =>
        ProtoWriter.NumberSize(TypeField, change.IsDelete ? 1u : 0u)
        + ProtoWriter.BytesSize(KvSize(change))
        + (Previous(change) is { } previous ? ProtoWriter.BytesSize(previous.Encoded.Length) : 0);

    private KeyRecord? Previous(in KvEvent change) => PreviousValues ? change.Previous : null;

    private static int KvSize(in KvEvent change) => change.Record is { } record
        ? record.Encoded.Length
        : ProtoWriter.BytesSize(change.Key.Length) + ProtoWriter.NumberSize(ModRevisionField, (ulong)change.Revision);

    private void Serialize(SerializationContext context)
    {
        context.SetPayloadLength(Size());
        ProtoWriter writer = new(context.GetBufferWriter());
        writer.Start(1, Headers.Size(Revision));
        Headers.Write(ref writer, Revision);
        writer.Number(2, (ulong)WatchId);
        writer.Number(CreatedField, Created ? 1u : 0u);
        writer.Number(CanceledField, Canceled ? 1u : 0u);
        writer.Number(CompactRevisionField, (ulong)CompactRevision);
        if (CancelReason.Length > 0)
        {
            writer.Start(CancelReasonField, CancelReason.Length);
            System.Text.Encoding.ASCII.GetBytes(CancelReason, writer.Take(CancelReason.Length));
        }

        writer.Number(FragmentField, Fragment ? 1u : 0u);
        foreach (KvEvent change in Events)
        {
            Write(ref writer, change);
        }

        writer.Flush();
        context.Complete();
    }

    private void Write(ref ProtoWriter writer, in KvEvent change)
    {
        writer.Start(EventsField, EventSize(change));
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

        if (Previous(change) is { } previous)
        {
            writer.Start(PrevKvField, previous.Encoded.Length);
            writer.Raw(previous.Encoded.Span);
        }
    }
}
