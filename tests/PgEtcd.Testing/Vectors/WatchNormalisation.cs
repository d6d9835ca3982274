using System.Globalization;
using System.Text.Json.Nodes;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>Makes two lists of watch responses comparable.</summary>
internal static class WatchNormalisation
{
    /// <summary>
    /// Sorts by watch, as responses of different watches on a stream have no order. While a watch catches up, the
    /// grouping of its events into responses, and the revision of those, is not defined either.
    /// </summary>
    public static JsonArray Apply(IEnumerable<JsonObject> responses, bool catchUp)
    {
        List<JsonObject> sorted = responses.OrderBy(WatchId).ToList();
        sorted.ForEach(Normalisation.StripHeaders);
        return new JsonArray([.. catchUp ? Joined(sorted) : sorted]);
    }

    private static List<JsonObject> Joined(IEnumerable<JsonObject> responses)
    {
        List<JsonObject> joined = new();
        foreach (JsonObject response in responses)
        {
            if (response["events"] is not JsonArray events)
            {
                joined.Add(response);
                continue;
            }

            response.Remove("header");
            response.Remove("fragment");
            if (joined.LastOrDefault() is { } last && last["events"] is JsonArray earlier && WatchId(last) == WatchId(response))
            {
                foreach (JsonNode? item in events)
                {
                    earlier.Add(item!.DeepClone());
                }
            }
            else
            {
                joined.Add(response);
            }
        }

        return joined;
    }

    private static long WatchId(JsonObject response) => long.Parse((string?)response["watch_id"] ?? "0", CultureInfo.InvariantCulture);
}
