using System.Text.Json.Nodes;

namespace PgEtcd.Testing.Rpc;

/// <summary>
/// Removes from an answer what may differ between two equivalent servers: their identities, and orders that
/// etcd does not promise. The vectors were recorded under the same rules.
/// </summary>
public static class Normalisation
{
    private static readonly string[] Identity = ["cluster_id", "member_id", "raft_term"];
    private static readonly string[] StatusFields = ["header", "isLearner", "errors"];

    /// <summary>Normalises the answer to an rpc, in place.</summary>
    public static JsonObject Apply(string rpc, JsonObject response)
    {
        StripHeaders(response);
        switch (rpc)
        {
            case "etcdserverpb.Lease/LeaseTimeToLive":
                if ((string?)response["TTL"] != "-1")
                {
                    response.Remove("TTL");
                }

                Sort(response, "keys", key => Convert.ToHexString(Convert.FromBase64String((string)key!)));
                break;
            case "etcdserverpb.Lease/LeaseLeases":
                // The offset makes the text order that of the signed numbers.
                Sort(response, "leases", lease =>
                {
                    long id = long.Parse((string?)lease!["ID"] ?? "0", System.Globalization.CultureInfo.InvariantCulture);
                    return (id ^ long.MinValue).ToString("X16", null);
                });
                break;
            case "etcdserverpb.Auth/Authenticate":
                response.Remove("token");
                break;
            case "etcdserverpb.Maintenance/Status":
                foreach (string field in response.Select(field => field.Key).Except(StatusFields).ToList())
                {
                    response.Remove(field);
                }

                break;
            case "etcdserverpb.Maintenance/Hash":
                response.Remove("hash");
                break;
            case "etcdserverpb.KV/RangeStream":
                DropLeasesOfKeysOnly(response);
                OrderEqualValues(response);
                break;
            default:
                if (rpc.StartsWith("etcdserverpb.Cluster/", StringComparison.Ordinal))
                {
                    CountMembers(response);
                }

                break;
        }

        return response;
    }

    /// <summary>Removes the server's identity from every header, also nested ones. The header itself stays.</summary>
    public static void StripHeaders(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields:
                foreach ((string name, JsonNode? value) in fields)
                {
                    if (name == "header" && value is JsonObject header)
                    {
                        Array.ForEach(Identity, field => header.Remove(field));
                    }
                    else
                    {
                        StripHeaders(value);
                    }
                }

                break;
            case JsonArray items:
                foreach (JsonNode? item in items)
                {
                    StripHeaders(item);
                }

                break;
        }
    }

    private static void Sort(JsonObject response, string field, Func<JsonNode?, string> key)
    {
        if (response[field] is not JsonArray items)
        {
            return;
        }

        response[field] = new JsonArray([.. items.Select(item => item!.DeepClone()).OrderBy(key, StringComparer.Ordinal)]);
    }

    /// <summary>3.7 omits the lease when it omits the value; PgEtcd keeps it, like 3.6.</summary>
    private static void DropLeasesOfKeysOnly(JsonObject response)
    {
        foreach (JsonNode? kv in response["kvs"] as JsonArray ?? [])
        {
            if (kv is JsonObject fields && !fields.ContainsKey("value"))
            {
                fields.Remove("lease");
            }
        }
    }

    /// <summary>
    /// A stream sorted by value sorts pieces of more than 12 keys, for which etcd's sort leaves ties in an undefined order
    /// (semantics.md §2): neighbours with the same value are put in key order.
    /// </summary>
    private static void OrderEqualValues(JsonObject response)
    {
        if (response["kvs"] is not JsonArray kvs)
        {
            return;
        }

        List<JsonObject> all = [.. kvs.Select(kv => kv!.AsObject())];
        List<JsonObject> ordered = new();
        while (ordered.Count < all.Count)
        {
            string? value = (string?)all[ordered.Count]["value"];
            IEnumerable<JsonObject> run = all.Skip(ordered.Count).TakeWhile(kv => (string?)kv["value"] == value);
            ordered.AddRange(
                [.. run.OrderBy(kv => Convert.ToHexString(Convert.FromBase64String((string)kv["key"]!)), StringComparer.Ordinal)]);
        }

        response["kvs"] = new JsonArray([.. ordered.Select(kv => kv.DeepClone())]);
    }

    private static void CountMembers(JsonObject response)
    {
        response.Remove("member");
        if (response["members"] is JsonArray members)
        {
            response["members"] = members.Count;
        }
    }
}
