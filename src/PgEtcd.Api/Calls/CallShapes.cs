using System.Globalization;
using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Postgres;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Calls;

/// <summary>Describes requests and answers for the log: keys, and the sizes of everything else. Values and passwords never
/// appear.</summary>
internal static class CallShapes
{
    private const int MostKeyCharacters = 100;

    /// <summary>Describes a request.</summary>
    public static string OfRequest(object? request) => request switch
    {
        RangeRequest range => Range(range),
        PutRequest put => $"put {Key(put.Key)}, value of {Bytes(put.Value.Length)}{(put.Lease == 0 ? "" : ", with a lease")}",
        DeleteRangeRequest delete => $"delete {Keys(delete.Key, delete.RangeEnd)}",
        TxnRequest txn => string.Create(
            CultureInfo.InvariantCulture,
            $"{txn.Compare.Count} compares, {txn.Success.Count} or {txn.Failure.Count} operations{First(txn)}, "
            + $"{Bytes(txn.CalculateSize())}"),
        CompactionRequest compaction => $"compact at {compaction.Revision}{(compaction.Physical ? ", physical" : "")}",
        LeaseRevokeRequest revoke => $"revoke {revoke.ID:x}",
        IMessage message => Bytes(message.CalculateSize()),
        _ => "unknown",
    };

    /// <summary>Describes an ending: an answer or an exception.</summary>
    public static string OfEnding(object? ending) => ending switch
    {
        KvReply reply => Bytes(reply.Size),
        IMessage message => Bytes(message.CalculateSize()),
        RpcException error => $"{error.StatusCode} {Printable.Line(error.Status.Detail)}",
        Exception error => error.GetType().Name,
        _ => "unknown",
    };

    private static string Range(RangeRequest range) =>
        $"range {Keys(range.Key, range.RangeEnd)}"
        + (range.Revision != 0 ? $" at {range.Revision}" : "")
        + (range.Limit != 0 ? $", limit {range.Limit}" : "")
        + (range.CountOnly ? ", count only" : "")
        + (range.KeysOnly ? ", keys only" : "")
        + (range.Serializable ? ", serializable" : "");

    /// <summary>The first key of a transaction says most about its client.</summary>
    private static string First(TxnRequest txn) =>
        txn.Compare is [var compare, ..] ? $" on {Key(compare.Key)}"
        : txn.Success is [{ RequestPut: { } put }, ..] ? $" on {Key(put.Key)}"
        : "";

    private static string Keys(ByteString key, ByteString end) => end.Length switch
    {
        0 => Key(key),
        1 when end[0] == 0 => $"from {Key(key)} on",
        _ => $"from {Key(key)} to {Key(end)}",
    };

    /// <summary>Quotes a key. Quotes, backslashes and bytes that are not printable ASCII become <c>\x</c> and two hexadecimal
    /// digits.</summary>
    private static string Key(ByteString key)
    {
        IEnumerable<string> shown = key.Take(MostKeyCharacters).Select(static b =>
            b is >= 0x20 and < 0x7f and not ((byte)'"' or (byte)'\\') ? $"{(char)b}" : Printable.Hex([b]));
        return $"\"{string.Concat(shown)}{(key.Length > MostKeyCharacters ? "…" : "")}\"";
    }

    private static string Bytes(long count) => string.Create(CultureInfo.InvariantCulture, $"{count} bytes");
}
