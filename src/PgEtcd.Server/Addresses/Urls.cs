using System.Net;
using System.Net.Sockets;
using PgEtcd.Api.Services;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Addresses;

/// <summary>Reads etcd's lists of URLs (flags.md §0): scheme, host and port and nothing else, or the path of a Unix socket.</summary>
internal static class Urls
{
    private const string Unix = "unix://";
    private const string UnixWithTls = "unixs://";

    /// <summary>The longest path that a Unix socket's address holds on Linux, without the null at its end.</summary>
    private const int MostPathBytes = 107;

    /// <summary>URLs to listen on: the host must be an IP address or localhost. None if the flag has no value.</summary>
    public static IReadOnlyList<ListenUrl> Listen(FlagValues values, Flag flag) =>
        values.OptionalText(flag) is null ? [] : [.. Split(values, flag).Select(part => ListenOne(values.Label(flag), part))];

    /// <summary>URLs that are announced, kept as they were typed: the host may be a name.</summary>
    public static IReadOnlyList<string> Advertise(FlagValues values, Flag flag)
    {
        string[] parts = Split(values, flag);
        foreach (string part in parts)
        {
            _ = IsSocket(part) ? SocketPath(values.Label(flag), part) : HostAndPort(values.Label(flag), part).Host;
        }

        return parts;
    }

    private static string[] Split(FlagValues values, Flag flag) => values.List(flag) is { Length: > 0 } parts
        ? parts
        : throw new FlagException($"{values.Label(flag)} needs at least one URL.");

    private static ListenUrl ListenOne(string label, string url)
    {
        if (IsSocket(url))
        {
            return ListenUrl.Socket(SocketPath(label, url), isTls: url.StartsWith(UnixWithTls, StringComparison.Ordinal));
        }

        (string host, int port) = HostAndPort(label, url);
        bool isTls = url.StartsWith("https://", StringComparison.Ordinal);
        return host == "localhost" ? new ListenUrl(null, port) { IsTls = isTls }
            : IPAddress.TryParse(host, out IPAddress? address)
            && (address.AddressFamily == AddressFamily.InterNetworkV6 || host.Count(c => c == '.') == 3)
            ? new ListenUrl(address, port) { IsTls = isTls }
            : throw new FlagException($"{label} has {FlagValues.Shown(url)}, whose host must be an IP address or localhost.");
    }

    private static bool IsSocket(string url) =>
        url.StartsWith(Unix, StringComparison.Ordinal) || url.StartsWith(UnixWithTls, StringComparison.Ordinal);

    /// <summary>The text behind the slashes, as etcd takes it: unix:///run/a.sock, or unix://a.sock below the working directory.</summary>
    private static string SocketPath(string label, string url)
    {
        string path = url[(url.IndexOf("://", StringComparison.Ordinal) + 3)..];
        if (path.Length == 0 || path.EndsWith('/') || path.Contains('\0'))
        {
            throw new FlagException($"{label} has {FlagValues.Shown(url)}, which is not of the form unix:///path/of/a/socket.");
        }

        return System.Text.Encoding.UTF8.GetByteCount(Path.GetFullPath(path)) <= MostPathBytes
            ? path
            : throw new FlagException(
                $"{label} has {FlagValues.Shown(url)}, whose path is longer than a socket's may be ({MostPathBytes} bytes).");
    }

    private static (string Host, int Port) HostAndPort(string label, string url)
    {
        int scheme = url.IndexOf("://", StringComparison.Ordinal);
        if (scheme < 0 || url[..scheme] is not ("http" or "https"))
        {
            throw new FlagException($"{label} has {FlagValues.Shown(url)}, which does not start with http:// (or https:// or unix://).");
        }

        string authority = url[(scheme + 3)..];
        if (authority.AsSpan().ContainsAny("/?#@"))
        {
            throw new FlagException($"{label} has a URL with more in it than scheme, host and port.");
        }

        return MemberUrl.TrySplit(authority, out string? host, out int port)
            ? (host, port)
            : throw new FlagException($"{label} has {FlagValues.Shown(url)}, which is not of the form http://host:port.");
    }
}
