using System.Text.Json.Nodes;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>A server answered a line otherwise than etcd did.</summary>
public sealed class VectorMismatchException(string file, VectorLine line, JsonNode? expected, JsonNode? actual)
    : Exception($"""
        {file} line {line.Number}: the answer differs.
        line:     {Short(line.Json)}
        expected: {Short(expected)}
        actual:   {Short(actual)}
        """)
{
    private const int Longest = 4000;

    private static string Short(JsonNode? node)
    {
        string text = Json.Write(node);
        return text.Length <= Longest ? text : $"{text[..Longest]}… ({text.Length} characters)";
    }
}
