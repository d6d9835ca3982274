using PgEtcd.Api.Gateway;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Reads the flags about plain HTTP and the JSON gateway.</summary>
internal static class GatewayFlags
{
    private const string Any = "*";

    /// <exception cref="FlagException">A value is wrong.</exception>
    public static GatewayOptions Read(FlagValues values) => new()
    {
        Enabled = values.Switch(Flags.EnableGrpcGateway),
        Origins = [.. List(values, Flags.Cors).Select(origin => Origin(values, origin))],
        Hosts = List(values, Flags.HostWhitelist),
    };

    private static string[] List(FlagValues values, Flag flag)
    {
        string[] items = values.List(flag);
        return items.Length > 0 ? items : throw new FlagException($"{values.Label(flag)} needs a value.");
    }

    /// <summary>An origin. Browsers send scheme, host and port without a path; a slash at the end is accepted.</summary>
    private static string Origin(FlagValues values, string text) =>
        text == Any ? text
        : Uri.TryCreate(text, UriKind.Absolute, out Uri? url) && url.Scheme is "http" or "https" && url.PathAndQuery == "/"
            && url.UserInfo == ""
            ? text.TrimEnd('/')
            : throw values.Wrong(Flags.Cors, "* or a list of origins such as https://example.com", text);
}
