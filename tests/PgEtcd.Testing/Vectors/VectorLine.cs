using System.Text.Json.Nodes;

namespace PgEtcd.Testing.Vectors;

/// <summary>One line of a transcript.</summary>
/// <param name="Number">The line number, from 1.</param>
/// <param name="Json">The line, with big values expanded.</param>
public sealed record VectorLine(int Number, JsonObject Json)
{
    /// <summary>The text of a field, or null.</summary>
    public string? Text(string field) => (string?)Json[field];
}
