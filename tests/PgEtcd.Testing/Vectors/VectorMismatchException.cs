using System.Text.Json.Nodes;
using PgEtcd.Testing.Rpc;

namespace PgEtcd.Testing.Vectors;

/// <summary>A server's answer to a line differs from etcd's.</summary>
public sealed class VectorMismatchException(string file, VectorLine line, JsonNode? expected, JsonNode? actual)
    : Exception($"""
        {file} line {line.Number}, {line.Text("rpc") ?? $"watch stream {line.Text("stream")}"}: the answer differs.
        request:    {JsonDifference.Brief(line.Json["request"])}
        expected:   {JsonDifference.Brief(expected)}
        actual:     {JsonDifference.Brief(actual)}
        difference: expected {JsonDifference.First(expected, actual)}
        """);
