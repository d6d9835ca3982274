using System.Globalization;
using System.Net;

namespace PgEtcd.Api.Services;

/// <summary>The URLs of members that clients send (flags.md §0).</summary>
internal static class MemberUrl
{
    /// <summary>Whether a URL is http or https with a host and a port, and nothing else.</summary>
    public static bool IsValid(string url)
    {
        int scheme = url.IndexOf("://", StringComparison.Ordinal);
        string authority = scheme < 0 ? "" : url[(scheme + 3)..];
        int colon = authority.LastIndexOf(':');
        return colon > 0
            && url[..scheme] is ("http" or "https")
            && !authority.AsSpan().ContainsAny("/?#@")
            && (authority[..colon] is ['[', _, .., ']'] || !authority[..colon].Contains(':'))
            && int.TryParse(authority.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port)
            && port <= IPEndPoint.MaxPort;
    }
}
