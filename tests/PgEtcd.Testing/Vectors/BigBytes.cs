using System.Text.Json.Nodes;

namespace PgEtcd.Testing.Vectors;

/// <summary><c>{"$byte":120,"$times":1048576}</c> stands for a value of one byte many times.</summary>
internal static class BigBytes
{
    /// <summary>The same node with every such value as base64.</summary>
    public static JsonNode? Expand(JsonNode? node)
    {
        switch (node)
        {
            case JsonObject fields when fields.ContainsKey("$byte"):
                byte[] value = new byte[(int)fields["$times"]!];
                Array.Fill(value, (byte)(int)fields["$byte"]!);
                return JsonValue.Create(Convert.ToBase64String(value));
            case JsonObject fields:
                foreach (string name in fields.Select(field => field.Key).ToList())
                {
                    JsonNode? expanded = Expand(fields[name]);
                    if (!ReferenceEquals(expanded, fields[name]))
                    {
                        fields[name] = expanded;
                    }
                }

                return fields;
            case JsonArray items:
                for (int i = 0; i < items.Count; i++)
                {
                    JsonNode? expanded = Expand(items[i]);
                    if (!ReferenceEquals(expanded, items[i]))
                    {
                        items[i] = expanded;
                    }
                }

                return items;
            default:
                return node;
        }
    }
}
