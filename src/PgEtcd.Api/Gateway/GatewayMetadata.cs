using Microsoft.Extensions.Primitives;

namespace PgEtcd.Api.Gateway;

/// <summary>The headers of an HTTP request that become metadata of the call: Authorization, Grpc-Timeout, and Grpc-Metadata-… without
/// the prefix.</summary>
internal static class GatewayMetadata
{
    /// <summary>The WebSocket subprotocol that announces a token; the token is the next subprotocol.</summary>
    public const string BearerProtocol = "Bearer";

    private const string Prefix = "Grpc-Metadata-";

    /// <summary>Copies the metadata into new headers.</summary>
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

        metadata.GrpcTimeout = context.Request.Headers.GrpcTimeout;
        return metadata;
    }

    /// <summary>The token among a WebSocket's subprotocols; null if there is none.</summary>
    public static string? BearerToken(HttpContext context) =>
        context.WebSockets is { IsWebSocketRequest: true, WebSocketRequestedProtocols: [BearerProtocol, { Length: > 0 } token, ..] }
            ? token
            : null;

    /// <summary>Whether clients may set a name; those of the protocol itself are reserved.</summary>
    private static bool IsFree(string name) =>
        name.Length > 0
        && !name.StartsWith("grpc-", StringComparison.OrdinalIgnoreCase)
        && !name.Equals("content-type", StringComparison.OrdinalIgnoreCase);
}
