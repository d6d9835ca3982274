using System.Text.Json.Nodes;
using Grpc.Core;

namespace PgEtcd.Testing.Rpc;

/// <summary>The result of an RPC: a normalised response or an error.</summary>
/// <param name="Response">The response, or null.</param>
/// <param name="Error">The error, or null.</param>
/// <param name="Raw">The response as received, with ids; null for an error.</param>
public sealed record RpcAnswer(JsonObject? Response, Status? Error, string? Raw)
{
    /// <summary>The whole answer in the vectors' form: <c>{"response":…}</c> or <c>{"error":…}</c>.</summary>
    public JsonObject ToJson() => Error is { } error
        ? new JsonObject { ["error"] = new JsonObject { ["code"] = (int)error.StatusCode, ["message"] = error.Detail } }
        : new JsonObject { ["response"] = Response!.DeepClone() };

    /// <summary>Whether two answers are equal.</summary>
    public bool SameAs(RpcAnswer other) => JsonNode.DeepEquals(ToJson(), other.ToJson());
}
