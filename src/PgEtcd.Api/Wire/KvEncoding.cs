using System.Buffers;
using System.Diagnostics;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Api.Wire;

/// <summary>Encodes results of evaluations as etcd's response messages (wire.md). Records are copied as they are encoded in memory: on
/// the wire, a repeated message field is a repeated bytes field.</summary>
internal static class KvEncoding
{
    private const int Header = 1;

    // RangeResponse
    private const int Kvs = 2;
    private const int More = 3;
    private const int Count = 4;

    // PutResponse and DeleteRangeResponse
    private const int PrevKv = 2;
    private const int Deleted = 2;
    private const int PrevKvs = 3;

    // TxnResponse
    private const int Succeeded = 2;
    private const int Responses = 3;

    // ResponseHeader
    private const int Revision = 3;

    /// <summary>Size of the response message.</summary>
    /// <param name="result">The result.</param>
    /// <param name="headerSize">Size of the header; -1 for none.</param>
    /// <returns>Bytes; may exceed the limit of a message (<see cref="ProtoWriter.MessageSize"/>).</returns>
    public static long Size(OperationResult result, int headerSize) =>
        (headerSize < 0 ? 0 : ProtoWriter.BytesSize(headerSize)) + BodySize(result);

    /// <summary>Writes the response message.</summary>
    /// <param name="writer">The output.</param>
    /// <param name="result">The result.</param>
    /// <param name="headers">Makes the header; null for none.</param>
    public static void Write(ref ProtoWriter writer, OperationResult result, ResponseHeaders? headers)
    {
        headers?.WriteField(ref writer, Header, result.Revision);
        WriteBody(ref writer, result);
    }

    /// <summary>Writes the response message piece by piece.</summary>
    /// <returns>The size of each piece in bytes. A piece is written when the enumeration reaches it.</returns>
    public static IEnumerable<int> WriteInPieces(IBufferWriter<byte> output, OperationResult result, ResponseHeaders? headers)
    {
        ProtoWriter writer = new(output);
        headers?.WriteField(ref writer, Header, result.Revision);
        writer.Flush();
        foreach (int piece in BodyInPieces(output, result))
        {
            yield return piece;
        }
    }

    private static IEnumerable<int> BodyInPieces(IBufferWriter<byte> output, OperationResult result) => result switch
    {
        RangeResult range => RangeInPieces(output, range),
        PutResult { Previous: { } previous } => RecordsInPieces(output, PrevKv, [previous], keysOnly: false),
        DeleteRangeResult { Previous.Length: > 0 } delete => DeleteInPieces(output, delete),
        TxnResult txn => TxnInPieces(output, txn),
        _ => Small(output, result),
    };

    private static IEnumerable<int> Small(IBufferWriter<byte> output, OperationResult result)
    {
        ProtoWriter writer = new(output);
        WriteBody(ref writer, result);
        writer.Flush();
        return [(int)BodySize(result)];
    }

    private static IEnumerable<int> RangeInPieces(IBufferWriter<byte> output, RangeResult range)
    {
        foreach (int piece in RecordsInPieces(output, Kvs, range.Records, range.KeysOnly))
        {
            yield return piece;
        }

        ProtoWriter writer = new(output);
        WriteRangeEnd(ref writer, range);
        writer.Flush();
    }

    private static IEnumerable<int> DeleteInPieces(IBufferWriter<byte> output, DeleteRangeResult delete)
    {
        ProtoWriter writer = new(output);
        writer.Number(Deleted, (ulong)delete.Deleted);
        writer.Flush();
        return RecordsInPieces(output, PrevKvs, delete.Previous, keysOnly: false);
    }

    private static IEnumerable<int> TxnInPieces(IBufferWriter<byte> output, TxnResult txn)
    {
        ProtoWriter writer = new(output);
        writer.Number(Succeeded, txn.Succeeded ? 1u : 0u);
        writer.Flush();
        foreach (OperationResult result in txn.Results)
        {
            ProtoWriter nested = new(output);
            WriteNestedStart(ref nested, result);
            nested.Flush();
            foreach (int piece in BodyInPieces(output, result))
            {
                yield return piece;
            }
        }
    }

    private static IEnumerable<int> RecordsInPieces(IBufferWriter<byte> output, int field, KeyRecord[] records, bool keysOnly)
    {
        for (int i = 0; i < records.Length;)
        {
            if (!keysOnly && records[i].Encoded is { Length: > Pieces.Size } encoded)
            {
                ProtoWriter start = new(output);
                start.Start(field, encoded.Length);
                start.Flush();
                i++;
                foreach (int piece in Pieces.Write(output, encoded))
                {
                    yield return piece;
                }

                continue;
            }

            // At least one record, and then as many as fit into the piece.
            int written = 0;
            ProtoWriter writer = new(output);
            do
            {
                written += RecordSize(records[i], keysOnly);
                WriteRecord(ref writer, field, records[i++], keysOnly);
            }
            while (i < records.Length && written + RecordSize(records[i], keysOnly) <= Pieces.Size);

            writer.Flush();
            yield return written;
        }
    }

    private static long BodySize(OperationResult result) => result switch
    {
        RangeResult range => RecordsSize(range.Records, range.KeysOnly)
            + ProtoWriter.NumberSize(More, range.More ? 1u : 0u) + ProtoWriter.NumberSize(Count, (ulong)range.Count),
        PutResult { Previous: { } previous } => ProtoWriter.BytesSize(previous.Encoded.Length),
        PutResult => 0,
        DeleteRangeResult delete => ProtoWriter.NumberSize(Deleted, (ulong)delete.Deleted) + RecordsSize(delete.Previous, keysOnly: false),
        TxnResult txn => TxnSize(txn),
        _ => throw new UnreachableException(),
    };

    private static void WriteBody(ref ProtoWriter writer, OperationResult result)
    {
        switch (result)
        {
            case RangeResult range:
                WriteRecords(ref writer, Kvs, range.Records, range.KeysOnly);
                WriteRangeEnd(ref writer, range);
                break;
            case PutResult { Previous: { } previous }:
                WriteRecord(ref writer, PrevKv, previous, keysOnly: false);
                break;
            case PutResult:
                break;
            case DeleteRangeResult delete:
                writer.Number(Deleted, (ulong)delete.Deleted);
                WriteRecords(ref writer, PrevKvs, delete.Previous, keysOnly: false);
                break;
            case TxnResult txn:
                writer.Number(Succeeded, txn.Succeeded ? 1u : 0u);
                foreach (OperationResult nested in txn.Results)
                {
                    WriteNestedStart(ref writer, nested);
                    WriteBody(ref writer, nested);
                }

                break;
            default:
                throw new UnreachableException();
        }
    }

    private static void WriteRangeEnd(ref ProtoWriter writer, RangeResult range)
    {
        writer.Number(More, range.More ? 1u : 0u);
        writer.Number(Count, (ulong)range.Count);
    }

    private static long RecordsSize(ReadOnlySpan<KeyRecord> records, bool keysOnly)
    {
        long size = 0;
        foreach (KeyRecord record in records)
        {
            size += ProtoWriter.BytesSize(RecordSize(record, keysOnly));
        }

        return size;
    }

    private static int RecordSize(KeyRecord record, bool keysOnly) =>
        keysOnly ? record.EncodedKeysOnlyLength : record.Encoded.Length;

    private static void WriteRecords(ref ProtoWriter writer, int field, ReadOnlySpan<KeyRecord> records, bool keysOnly)
    {
        foreach (KeyRecord record in records)
        {
            WriteRecord(ref writer, field, record, keysOnly);
        }
    }

    private static void WriteRecord(ref ProtoWriter writer, int field, KeyRecord record, bool keysOnly)
    {
        int size = RecordSize(record, keysOnly);
        writer.Start(field, size);
        if (keysOnly)
        {
            record.CopyKeysOnly(writer.Take(size));
        }
        else
        {
            writer.Raw(record.Encoded.Span);
        }
    }

    private static long TxnSize(TxnResult txn)
    {
        long size = ProtoWriter.NumberSize(Succeeded, txn.Succeeded ? 1u : 0u);
        foreach (OperationResult result in txn.Results)
        {
            size += ProtoWriter.BytesSize(ProtoWriter.BytesSize(NestedSize(result)));
        }

        return size;
    }

    private static void WriteNestedStart(ref ProtoWriter writer, OperationResult result)
    {
        int size = (int)NestedSize(result); // fits, because the size of the whole message has been checked
        writer.Start(Responses, ProtoWriter.BytesSize(size));
        writer.Start(ResponseOpField(result), size);
        // A nested header has only the revision; that of a nested transaction is present but empty.
        writer.Start(Header, ProtoWriter.NumberSize(Revision, (ulong)result.Revision));
        writer.Number(Revision, (ulong)result.Revision);
    }

    private static long NestedSize(OperationResult result) =>
        ProtoWriter.BytesSize(ProtoWriter.NumberSize(Revision, (ulong)result.Revision)) + BodySize(result);

    private static int ResponseOpField(OperationResult result) => result switch
    {
        RangeResult => 1,
        PutResult => 2,
        DeleteRangeResult => 3,
        _ => 4,
    };
}
