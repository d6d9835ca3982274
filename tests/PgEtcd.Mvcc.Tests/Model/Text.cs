using System.Text;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Tests.Model;

/// <summary>Bytes, records and results of Mvcc as texts of the model.</summary>
internal static class Text
{
    public static string Of(ReadOnlyMemory<byte> bytes) => Encoding.Latin1.GetString(bytes.Span);

    public static byte[] Bytes(string text) => Encoding.Latin1.GetBytes(text);

    public static Row Of(KeyRecord record) => new(
        Of(record.KeyMemory), Of(record.ValueMemory), record.CreateRevision, record.ModRevision, record.Sub, record.Version, record.Lease);

    public static string Of(KvError error, OperationResult? result) => error == KvError.None ? Of(result!) : error.ToString();

    private static string Of(OperationResult result) => $"{result.Revision} " + result switch
    {
        RangeResult range => $"range {range.Count} {range.More} {List(range.Records, range.KeysOnly)}",
        PutResult put => $"put {(put.Previous is null ? "-" : NaiveRules.One(Of(put.Previous), keysOnly: false))}",
        DeleteRangeResult delete => $"delete {delete.Deleted} {List(delete.Previous, keysOnly: false)}",
        TxnResult txn => $"txn {txn.Succeeded} [{string.Join("; ", txn.Results.Select(Of))}]",
        _ => throw new NotSupportedException(),
    };

    private static string List(KeyRecord[] records, bool keysOnly) => NaiveRules.List([.. records.Select(Of)], keysOnly);
}
