using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Server.Configuration;

/// <summary>Reads etcd's lists of URLs (flags.md §0): scheme, host and port, nothing else.</summary>
internal static class Urls
{
    /// <summary>URLs to listen on: the host must be an IP address or localhost.</summary>
    public static IReadOnlyList<ListenUrl> Listen(string label, string list) =>
        [.. Split(label, list).Select(part => ListenOne(label, part))];

    /// <summary>URLs to tell others, kept as they were typed: the host may be a name.</summary>
    public static IReadOnlyList<string> Advertise(string label, string list) =>
        [.. Split(label, list).Select(part =>
        {
            HostAndPort(label, part);
            return part;
        })];

    /// <summary>Whether a client's text is such a URL.</summary>
    public static bool IsAddress(string url)
    {
        try
        {
            HostAndPort("", url);
            return true;
        }
        catch (FlagException)
        {
            return false;
        }
    }

    private static string[] Split(string label, string list)
    {
        var parts = list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return parts.Length > 0 ? parts : throw new FlagException($"{label} needs at least one URL.");
    }

    private static ListenUrl ListenOne(string label, string url)
    {
        var scheme = url.Split("://")[0];
        if (scheme is "https" or "unix" or "unixs")
        {
            var what = scheme == "https" ? "TLS" : "listening on a Unix socket";
            throw new FlagException($"{label} has {FlagValues.Shown(url)}, but {what} comes in a later version: use http://.");
        }

        var (host, port) = HostAndPort(label, url);
        if (host == "localhost")
        {
            return new ListenUrl(null, port);
        }

        return IPAddress.TryParse(host, out var address) && (address.AddressFamily == AddressFamily.InterNetworkV6 || host.Count(c => c == '.') == 3)
            ? new ListenUrl(address, port)
            : throw new FlagException($"{label} has {FlagValues.Shown(url)}, whose host must be an IP address or localhost.");
    }

    private static (string Host, int Port) HostAndPort(string label, string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme] is not ("http" or "https"))
        {
            throw new FlagException($"{label} has {FlagValues.Shown(url)}, which does not start with http:// (or https://).");
        }

        var authority = url[(scheme + 3)..];
        if (authority.AsSpan().ContainsAny("/?#@"))
        {
            throw new FlagException($"{label} has a URL with more in it than scheme, host and port.");
        }

        var colon = authority.LastIndexOf(':');
        var host = colon < 0 ? "" : authority[..colon];
        if (host is ['[', .., ']'])
        {
            host = host[1..^1];
        }
        else if (host.Contains(':'))
        {
            host = "";
        }

        return host.Length > 0
            && int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port <= IPEndPoint.MaxPort
                ? (host, port)
                : throw new FlagException($"{label} has {FlagValues.Shown(url)}, which is not of the form http://host:port.");
    }
}
