using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Net;

namespace PgEtcd.Api.Services;

/// <summary>The URLs of members (flags.md §0).</summary>
public static class MemberUrl
{
    /// <summary>Whether a URL is http or https with a host and a port, and nothing else.</summary>
    public static bool IsValid(string url)
    {
        int scheme = url.IndexOf("://", StringComparison.Ordinal);
        return scheme > 0
            && url[..scheme] is ("http" or "https")
            && !url.AsSpan(scheme + 3).ContainsAny("/?#@")
            && TrySplit(url[(scheme + 3)..], out _, out _);
    }

    /// <summary>Splits host:port; an IPv6 address is in brackets.</summary>
    /// <param name="authority">The part of the URL after the scheme.</param>
    /// <param name="host">The host, without brackets.</param>
    /// <param name="port">The port.</param>
    public static bool TrySplit(string authority, [NotNullWhen(true)] out string? host, out int port)
    {
        int colon = authority.LastIndexOf(':');
        string name = colon < 0 ? "" : authority[..colon];
        host = name is ['[', .., ']'] ? name[1..^1] : name.Contains(':') ? "" : name;
        return int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out port)
            && host.Length > 0
            && port <= IPEndPoint.MaxPort;
    }
}
