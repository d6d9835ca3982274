using Google.Protobuf;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.Mvccpb;

namespace PgEtcd.Api.Tests.Wire;

/// <summary>Results of evaluations, each with the equivalent message, built by hand.</summary>
internal sealed class RandomResults(Random random)
{
    private static readonly long[] Numbers =
        [0, 0, 1, 127, 128, 16_383, 16_384, int.MaxValue, 1L << 31, (1L << 32) + 5, 1L << 56, long.MaxValue, -1, long.MinValue];

    public (RangeResult Result, RangeResponse Message) Range()
    {
        bool keysOnly = Coin();
        (KeyRecord[] records, KeyValue[] kvs) = Records(keysOnly);
        long count = Number();
        bool more = Coin();
        long revision = Number();
        RangeResponse message = new() { Header = new ResponseHeader { Revision = revision }, More = more, Count = count };
        message.Kvs.AddRange(kvs);
        return (new RangeResult(revision, records, count, more, keysOnly), message);
    }

    public (PutResult Result, PutResponse Message) Put()
    {
        long revision = Number();
        PutResponse message = new() { Header = new ResponseHeader { Revision = revision } };
        if (Coin())
        {
            return (new PutResult(revision, null), message);
        }

        (KeyRecord record, KeyValue kv) = Record(keysOnly: false);
        message.PrevKv = kv;
        return (new PutResult(revision, record), message);
    }

    public (DeleteRangeResult Result, DeleteRangeResponse Message) DeleteRange()
    {
        (KeyRecord[] records, KeyValue[] kvs) = Records(keysOnly: false);
        long deleted = Number();
        long revision = Number();
        DeleteRangeResponse message = new() { Header = new ResponseHeader { Revision = revision }, Deleted = deleted };
        message.PrevKvs.AddRange(kvs);
        return (new DeleteRangeResult(revision, deleted, records), message);
    }

    public (TxnResult Result, TxnResponse Message) Txn(int depth = 0)
    {
        bool succeeded = Coin();
        long revision = depth == 0 ? Number() : 0;
        TxnResponse message = new() { Header = new ResponseHeader { Revision = revision }, Succeeded = succeeded };
        OperationResult[] results = new OperationResult[random.Next(4)];
        for (int i = 0; i < results.Length; i++)
        {
            (results[i], ResponseOp op) = Nested(depth);
            message.Responses.Add(op);
        }

        return (new TxnResult(revision, succeeded, results), message);
    }

    private (OperationResult Result, ResponseOp Op) Nested(int depth)
    {
        switch (random.Next(depth < 3 ? 6 : 3))
        {
            case 0:
                (RangeResult range, RangeResponse rangeMessage) = Range();
                return (range, new ResponseOp { ResponseRange = rangeMessage });
            case 1:
                (PutResult put, PutResponse putMessage) = Put();
                return (put, new ResponseOp { ResponsePut = putMessage });
            case 2:
                (DeleteRangeResult delete, DeleteRangeResponse deleteMessage) = DeleteRange();
                return (delete, new ResponseOp { ResponseDeleteRange = deleteMessage });
            default:
                (TxnResult txn, TxnResponse txnMessage) = Txn(depth + 1);
                return (txn, new ResponseOp { ResponseTxn = txnMessage });
        }
    }

    private (KeyRecord[] Records, KeyValue[] Kvs) Records(bool keysOnly)
    {
        KeyRecord[] records = new KeyRecord[random.Next(3) == 0 ? 0 : random.Next(6)];
        KeyValue[] kvs = new KeyValue[records.Length];
        for (int i = 0; i < kvs.Length; i++)
        {
            (records[i], kvs[i]) = Record(keysOnly);
        }

        return (records, kvs);
    }

    private (KeyRecord Record, KeyValue Kv) Record(bool keysOnly)
    {
        byte[] key = Bytes(random.Next(4) switch { 0 => 0, 1 => random.Next(126, 130), _ => random.Next(40) });
        byte[] value = Bytes(random.Next(12) switch
        {
            < 3 => 0,
            3 => random.Next(126, 130),
            4 => random.Next(16_380, 16_390),
            5 when random.Next(8) == 0 => 300 * 1024,
            _ => random.Next(300),
        });
        (long create, long mod, long version, long lease) = (Number(), Number(), Number(), Number());
        KeyValue kv = new()
        {
            Key = ByteString.CopyFrom(key),
            Value = keysOnly ? ByteString.Empty : ByteString.CopyFrom(value),
            CreateRevision = create,
            ModRevision = mod,
            Version = version,
            Lease = lease,
        };
        return (new KeyRecord(key, value, create, mod, random.Next(3), version, lease), kv);
    }

    private byte[] Bytes(int length)
    {
        byte[] bytes = new byte[length];
        random.NextBytes(bytes);
        return bytes;
    }

    private long Number() => random.Next(3) == 0 ? random.NextInt64() : Numbers[random.Next(Numbers.Length)];

    private bool Coin() => random.Next(2) == 0;
}
