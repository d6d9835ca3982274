using System.Text.Json.Nodes;

namespace PgEtcd.Testing.Rpc;

/// <summary>The first difference of two answers, as long ones are hard to compare by eye.</summary>
public static class JsonDifference
{
    /// <summary>One line about the first difference, or null if there is none.</summary>
    public static string? First(JsonNode? expected, JsonNode? actual, string path = "$")
    {
        if (JsonNode.DeepEquals(expected, actual))
        {
            return null;
        }

        if (expected is JsonObject expectedFields && actual is JsonObject actualFields)
        {
            return expectedFields.Select(field => field.Key).Union(actualFields.Select(field => field.Key))
                .Select(name => First(expectedFields[name], actualFields[name], $"{path}.{name}"))
                .First(difference => difference is not null);
        }

        if (expected is JsonArray expectedItems && actual is JsonArray actualItems)
        {
            return Enumerable.Range(0, Math.Min(expectedItems.Count, actualItems.Count))
                .Select(i => First(expectedItems[i], actualItems[i], $"{path}[{i}]"))
                .FirstOrDefault(difference => difference is not null)
                ?? $"{path} has {expectedItems.Count} items, not {actualItems.Count}";
        }

        return $"{path} is {Brief(expected)}, not {Brief(actual)}";
    }

    /// <summary>A node on one line, cut when it is too long to read.</summary>
    public static string Brief(JsonNode? node, int longest = 1500)
    {
        string text = node is null ? "absent" : Json.Write(node);
        return text.Length <= longest ? text : $"{text[..longest]}… ({text.Length} characters)";
    }
}
