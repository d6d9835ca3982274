namespace PgEtcd.Api.Gateway;

/// <summary>Plain HTTP and the JSON gateway.</summary>
public sealed record GatewayOptions
{
    private const string Any = "*";

    /// <summary>--enable-grpc-gateway: whether /v3/… is served in JSON.</summary>
    public bool Enabled { get; init; } = true;

    /// <summary>--cors: origins (as browsers send them) that may use the server; "*" for all.</summary>
    public IReadOnlyList<string> Origins { get; init; } = [Any];

    /// <summary>--host-whitelist: host names that requests may be addressed to; "*" for all.</summary>
    public IReadOnlyList<string> Hosts { get; init; } = [Any];

    /// <summary>Whether --cors admits every origin.</summary>
    public bool AllowsAnyOrigin => Origins.Contains(Any);

    /// <summary>Whether --cors names the origin.</summary>
    public bool AllowsOrigin(string origin) => Origins.Contains(origin);

    /// <summary>Whether a request may be addressed to the host.</summary>
    public bool AllowsHost(string host) => Hosts.Contains(Any) || Hosts.Contains(host, StringComparer.OrdinalIgnoreCase);
}
