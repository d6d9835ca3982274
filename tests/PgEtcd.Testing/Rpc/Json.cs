using System.Text.Json;
using System.Text.Json.Nodes;

namespace PgEtcd.Testing.Rpc;

/// <summary>JSON nested as deeply as transactions, which is beyond the usual limits.</summary>
public static class Json
{
    /// <summary>The deepest nesting that is read or written.</summary>
    public const int MaxDepth = 2000;

    private static readonly JsonSerializerOptions Options = new() { MaxDepth = MaxDepth };

    /// <summary>Reads an object.</summary>
    public static JsonObject Parse(string text) =>
        JsonNode.Parse(text, documentOptions: new JsonDocumentOptions { MaxDepth = MaxDepth })!.AsObject();

    /// <summary>Writes a node on one line.</summary>
    public static string Write(JsonNode? node) => node is null ? "null" : node.ToJsonString(Options);
}
