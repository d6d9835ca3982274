namespace PgEtcd.Server.Configuration;

/// <summary>What the flags say about plain HTTP and the JSON gateway.</summary>
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

    /// <exception cref="FlagException">A value is wrong.</exception>
    internal static GatewayOptions From(FlagValues values) => new()
    {
        Enabled = values.Switch(Flags.EnableGrpcGateway),
        Origins = [.. List(values, Flags.Cors).Select(origin => Origin(values, origin))],
        Hosts = List(values, Flags.HostWhitelist),
    };

    private static string[] List(FlagValues values, Flag flag)
    {
        string[] items = values.Text(flag).Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return items.Length > 0 ? items : throw new FlagException($"{values.Label(flag)} needs a value.");
    }

    /// <summary>Browsers send scheme, host and port without a path; a slash at the end is forgiven.</summary>
    private static string Origin(FlagValues values, string text) =>
        text == Any ? text
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/" && url.UserInfo == ""
            ? text.TrimEnd('/')
            : throw new FlagException(
                $"{values.Label(Flags.Cors)} must be * or a list of origins such as https://example.com, not \"{FlagValues.Shown(text)}\".");
}
