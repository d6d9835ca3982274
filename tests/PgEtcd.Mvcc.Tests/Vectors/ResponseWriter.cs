using System.Text.Json.Nodes;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Tests.Vectors;

/// <summary>Converts results to Proto3 JSON as in the transcripts: no default values, 64-bit numbers as text.</summary>
internal static class ResponseWriter
{
    public static JsonObject Response(OperationResult result)
    {
        JsonObject json = new() { ["header"] = Header(result.Revision) };
        switch (result)
        {
            case RangeResult range:
                Records(json, "kvs", range.Records, range.KeysOnly);
                if (range.More)
                {
                    json["more"] = true;
                }

                Number(json, "count", range.Count);
                break;
            case PutResult { Previous: { } previous }:
                json["prev_kv"] = Record(previous, keysOnly: false);
                break;
            case DeleteRangeResult delete:
                Number(json, "deleted", delete.Deleted);
                Records(json, "prev_kvs", delete.Previous, keysOnly: false);
                break;
            case TxnResult txn:
                if (txn.Succeeded)
                {
                    json["succeeded"] = true;
                }

                if (txn.Results.Length > 0)
                {
                    json["responses"] = new JsonArray([.. txn.Results.Select(Nested)]);
                }

                break;
        }

        return json;
    }

    public static JsonObject Header(long revision)
    {
        JsonObject header = new();
        Number(header, "revision", revision);
        return header;
    }

    private static JsonObject Nested(OperationResult result)
    {
        string name = result switch
        {
            RangeResult => "response_range",
            PutResult => "response_put",
            DeleteRangeResult => "response_delete_range",
            _ => "response_txn",
        };
        return new JsonObject { [name] = Response(result) };
    }

    private static void Records(JsonObject json, string name, KeyRecord[] records, bool keysOnly)
    {
        if (records.Length > 0)
        {
            json[name] = new JsonArray([.. records.Select(record => Record(record, keysOnly))]);
        }
    }

    private static JsonObject Record(KeyRecord record, bool keysOnly)
    {
        JsonObject json = new() { ["key"] = Bytes(record.Key) };
        Number(json, "create_revision", record.CreateRevision);
        Number(json, "mod_revision", record.ModRevision);
        Number(json, "version", record.Version);
        if (!keysOnly && !record.Value.IsEmpty)
        {
            json["value"] = Bytes(record.Value);
        }

        Number(json, "lease", record.Lease);
        return json;
    }

    private static void Number(JsonObject json, string name, long number)
    {
        if (number != 0)
        {
            json[name] = number.ToString(null, null);
        }
    }

    // Shortened as in the transcripts: the same byte many times.
    private static JsonNode Bytes(ReadOnlySpan<byte> bytes) => bytes.Length > 1000 && !bytes.ContainsAnyExcept(bytes[0])
        ? new JsonObject { ["$byte"] = bytes[0], ["$times"] = bytes.Length }
        : JsonValue.Create(Convert.ToBase64String(bytes));
}
