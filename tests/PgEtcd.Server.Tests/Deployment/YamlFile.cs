using System.Text.Json.Nodes;
using PgEtcd.Testing;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.Serialization;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>A YAML file of the repository as a tree of JSON, whose leaves are all strings.</summary>
internal static class YamlFile
{
    /// <summary>Reads the documents of a file. A duplicate key is an error.</summary>
    /// <param name="path">The path from the root of the repository.</param>
    public static IReadOnlyList<JsonObject> Read(string path)
    {
        using StreamReader text = File.OpenText(Path.Combine(Repository.Root, path));
        MergingParser parser = new(new Parser(text));
        IDeserializer deserializer = new DeserializerBuilder().WithDuplicateKeyChecking().Build();
        List<JsonObject> documents = [];
        parser.Consume<StreamStart>();
        while (!parser.Accept<StreamEnd>(out _))
        {
            documents.Add((JsonObject)ToJson(deserializer.Deserialize(parser))!);
        }

        return documents;
    }

    /// <summary>The strings of a list.</summary>
    public static string[] Strings(this JsonNode? list) => [.. (list as JsonArray ?? []).Select(item => item!.ToString())];

    /// <summary>The names of the fields of an object.</summary>
    public static string[] Names(this JsonNode? node) => [.. (node as JsonObject ?? []).Select(field => field.Key)];

    private static JsonNode? ToJson(object? value) => value switch
    {
        null => null,
        Dictionary<object, object> fields => new JsonObject(fields.Select(field =>
            KeyValuePair.Create((string)field.Key, ToJson(field.Value)))),
        List<object> items => new JsonArray([.. items.Select(ToJson)]),
        _ => JsonValue.Create(value.ToString()),
    };
}
