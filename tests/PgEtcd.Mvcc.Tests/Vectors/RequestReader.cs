using System.Text.Json.Nodes;

namespace PgEtcd.Mvcc.Tests.Vectors;

/// <summary>Converts Proto3 JSON requests, as in the transcripts, to operations.</summary>
internal static class RequestReader
{
    public static RangeOperation Range(JsonNode json) => new()
    {
        Key = Bytes(json["key"]),
        RangeEnd = Bytes(json["range_end"]),
        Limit = Number(json["limit"]),
        Revision = Number(json["revision"]),
        SortOrder = Enumeration<SortOrder>(json["sort_order"]),
        SortTarget = Enumeration<SortTarget>(json["sort_target"]),
        KeysOnly = Flag(json["keys_only"]),
        CountOnly = Flag(json["count_only"]),
        Serializable = Flag(json["serializable"]),
        MinModRevision = Number(json["min_mod_revision"]),
        MaxModRevision = Number(json["max_mod_revision"]),
        MinCreateRevision = Number(json["min_create_revision"]),
        MaxCreateRevision = Number(json["max_create_revision"]),
    };

    public static PutOperation Put(JsonNode json) => new()
    {
        Key = Bytes(json["key"]),
        Value = Bytes(json["value"]),
        Lease = Number(json["lease"]),
        PrevKv = Flag(json["prev_kv"]),
        IgnoreValue = Flag(json["ignore_value"]),
        IgnoreLease = Flag(json["ignore_lease"]),
    };

    public static DeleteRangeOperation Delete(JsonNode json) => new()
    {
        Key = Bytes(json["key"]),
        RangeEnd = Bytes(json["range_end"]),
        PrevKv = Flag(json["prev_kv"]),
    };

    public static TxnOperation Txn(JsonNode json) => new()
    {
        Compares = List(json["compare"], Compare),
        Success = List(json["success"], Nested),
        Failure = List(json["failure"], Nested),
    };

    public static long Number(JsonNode? json) => json is null ? 0 : long.Parse(json.ToString(), null);

    private static Operation? Nested(JsonNode json) => json switch
    {
        _ when json["request_range"] is { } range => Range(range),
        _ when json["request_put"] is { } put => Put(put),
        _ when json["request_delete_range"] is { } delete => Delete(delete),
        _ when json["request_txn"] is { } txn => Txn(txn),
        _ => null,
    };

    private static Compare Compare(JsonNode json)
    {
        CompareTarget target = Enumeration<CompareTarget>(json["target"]);
        string? field = target switch
        {
            CompareTarget.Version => "version",
            CompareTarget.Create => "create_revision",
            CompareTarget.Mod => "mod_revision",
            CompareTarget.Lease => "lease",
            _ => null,
        };
        return new Compare
        {
            Target = target,
            Result = Enumeration<CompareResult>(json["result"]),
            Key = Bytes(json["key"]),
            RangeEnd = Bytes(json["range_end"]),
            Number = field is null ? 0 : Number(json[field]),
            Value = target == CompareTarget.Value ? Bytes(json["value"]) : default,
        };
    }

    private static ReadOnlyMemory<byte> Bytes(JsonNode? json)
    {
        if (json is null)
        {
            return default;
        }

        if (json is not JsonObject repeated)
        {
            return Convert.FromBase64String(json.GetValue<string>());
        }

        byte[] bytes = new byte[repeated["$times"]!.GetValue<int>()];
        Array.Fill(bytes, repeated["$byte"]!.GetValue<byte>());
        return bytes;
    }

    private static bool Flag(JsonNode? json) => json?.GetValue<bool>() ?? false;

    private static T Enumeration<T>(JsonNode? json)
        where T : struct, Enum
    {
        string text = json?.ToString() ?? "0";
        return Enum.Parse<T>(text.Replace("_", "", StringComparison.Ordinal), ignoreCase: true);
    }

    private static T[] List<T>(JsonNode? json, Func<JsonNode, T> read) =>
        json is null ? [] : [.. json.AsArray().Select(item => read(item!))];
}
