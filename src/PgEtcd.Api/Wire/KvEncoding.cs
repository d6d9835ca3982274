using System.Diagnostics;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Api.Wire;

/// <summary>Results of evaluations as etcd's response messages (wire.md). A record is copied as it is encoded in memory:
/// on the wire a repeated message field is a repeated bytes field.</summary>
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
    /// <param name="result">What it says.</param>
    /// <param name="headerSize">Size of its header; -1 for none.</param>
    /// <returns>Bytes; may be more than a message can have (<see cref="ProtoWriter.MessageSize"/>).</returns>
    public static long Size(OperationResult result, int headerSize) =>
        (headerSize < 0 ? 0 : ProtoWriter.BytesSize(headerSize)) + BodySize(result);

    /// <summary>Writes the response message.</summary>
    /// <param name="writer">Where to.</param>
    /// <param name="result">What it says.</param>
    /// <param name="headers">Makes the header; null for none.</param>
    public static void Write(ref ProtoWriter writer, OperationResult result, ResponseHeaders? headers)
    {
        if (headers is not null)
        {
            writer.Start(Header, headers.Size(result.Revision));
            headers.Write(ref writer, result.Revision);
        }

        WriteBody(ref writer, result);
    }

    private static long BodySize(OperationResult result) => result switch
    {
        RangeResult range => RangeSize(range),
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
                writer.Number(More, range.More ? 1u : 0u);
                writer.Number(Count, (ulong)range.Count);
                break;
            case PutResult put:
                if (put.Previous is { } previous)
                {
                    WriteRecord(ref writer, PrevKv, previous, keysOnly: false);
                }

                break;
            case DeleteRangeResult delete:
                writer.Number(Deleted, (ulong)delete.Deleted);
                WriteRecords(ref writer, PrevKvs, delete.Previous, keysOnly: false);
                break;
            case TxnResult txn:
                WriteTxn(ref writer, txn);
                break;
            default:
                throw new UnreachableException();
        }
    }

    private static long RangeSize(RangeResult range) =>
        RecordsSize(range.Records, range.KeysOnly)
        + ProtoWriter.NumberSize(More, range.More ? 1u : 0u)
        + ProtoWriter.NumberSize(Count, (ulong)range.Count);

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

    private static void WriteTxn(ref ProtoWriter writer, TxnResult txn)
    {
        writer.Number(Succeeded, txn.Succeeded ? 1u : 0u);
        foreach (OperationResult result in txn.Results)
        {
            int size = (int)NestedSize(result); // a part of a message whose size was found to do
            writer.Start(Responses, ProtoWriter.BytesSize(size));
            writer.Start(ResponseOpField(result), size);
            // A nested header carries the revision only; that of a nested transaction is there, and empty.
            writer.Start(Header, ProtoWriter.NumberSize(Revision, (ulong)result.Revision));
            writer.Number(Revision, (ulong)result.Revision);
            WriteBody(ref writer, result);
        }
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
