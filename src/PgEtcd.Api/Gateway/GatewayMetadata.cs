using Microsoft.Extensions.Primitives;

namespace PgEtcd.Api.Gateway;

/// <summary>What of an HTTP request becomes metadata of the call: Authorization, Grpc-Timeout, and Grpc-Metadata-… without that.</summary>
internal static class GatewayMetadata
{
    /// <summary>The WebSocket protocol after which a token is named as another one.</summary>
    public const string BearerProtocol = "Bearer";

    private const string Prefix = "Grpc-Metadata-";

    /// <summary>Reads it, in fresh headers.</summary>
    public static IHeaderDictionary Read(HttpContext context)
    {
        IHeaderDictionary metadata = new HeaderDictionary();
        foreach ((string name, StringValues values) in context.Request.Headers)
        {
            if (name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && IsFree(name[Prefix.Length..]))
            {
                metadata[name[Prefix.Length..]] = values;
            }
        }

        if (BearerToken(context) is { } token)
        {
            metadata.Authorization = $"Bearer {token}";
        }
        else if (context.Request.Headers.Authorization is { Count: > 0 } authorization)
        {
            metadata.Authorization = authorization;
        }

        if (context.Request.Headers.GrpcTimeout is { Count: > 0 } timeout)
        {
            metadata.GrpcTimeout = timeout;
        }

        return metadata;
    }

    /// <summary>The token that a WebSocket's client named; null if none.</summary>
    public static string? BearerToken(HttpContext context) =>
        context.WebSockets is { IsWebSocketRequest: true, WebSocketRequestedProtocols: [BearerProtocol, { Length: > 0 } token, ..] } ? token : null;

    /// <summary>Names of the protocol itself are not the client's to set.</summary>
    private static bool IsFree(string name) =>
        name.Length > 0
        && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("content-type", StringComparison.OrdinalIgnoreCase);
}
