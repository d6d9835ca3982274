using System.Globalization;
using Npgsql;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Addresses;

/// <summary>Reads <c>postgres://user:password@host:port,host:port/database?name=value&amp;…</c>.</summary>
/// <remarks>
/// The rules are libpq's ("Connection URIs"): every part may be left out, every part is percent-encoded, a host that
/// starts with a slash (%2Frun%2Fpostgresql, or ?host=/run/postgresql) is the directory of a Unix socket, and several
/// hosts are tried in turn. No host means localhost.
/// </remarks>
internal static class DatabaseUrl
{
    private const int DefaultPort = 5432;

    /// <summary>libpq's names of parameters that Npgsql names differently. Names that both share need no entry.</summary>
    private static readonly Dictionary<string, string> Renamed = new(StringComparer.Ordinal)
    {
        ["user"] = "Username",
        ["password"] = "Password",
        ["dbname"] = "Database",
        ["sslmode"] = "SSL Mode",
        ["sslnegotiation"] = "SSL Negotiation",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["sslpassword"] = "SSL Password",
        ["sslrootcert"] = "Root Certificate",
        ["connect_timeout"] = "Timeout",
        ["application_name"] = "Application Name",
        ["target_session_attrs"] = "Target Session Attributes",
        ["options"] = "Options",
        ["passfile"] = "Passfile",
        ["channel_binding"] = "Channel Binding",
        ["gssencmode"] = "GSS Encryption Mode",
        ["krbsrvname"] = "Kerberos Service Name",
        ["keepalives_idle"] = "Tcp Keepalive Time",
        ["keepalives_interval"] = "Tcp Keepalive Interval",
    };

    /// <param name="label">The flag's name in a message.</param>
    /// <param name="rest">The text behind the "://".</param>
    /// <exception cref="FlagException">The URL is malformed or has an unknown parameter.</exception>
    public static string ToConnectionString(string label, string rest)
    {
        NpgsqlConnectionStringBuilder builder = new();
        (string? beforeQuery, string? query) = Cut(rest, '?');
        (string? authority, string? database) = Cut(beforeQuery, '/');
        // The last @ ends the user: an @ in a password is often left unencoded.
        int at = authority.LastIndexOf('@');
        if (at >= 0)
        {
            (string? user, string? password) = Cut(authority[..at], ':');
            Set(label, builder, "Username", "user", Decode(label, user));
            Set(label, builder, "Password", "password", Decode(label, password));
        }

        Set(label, builder, "Database", "database", Decode(label, database));
        List<(string Host, int? Port)> hosts = authority[(at + 1)..].Split(',').Select(host => HostAndPort(label, host)).ToList();
        foreach (string parameter in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            (string? name, string? value) = Cut(parameter, '=');
            Apply(label, builder, hosts, Decode(label, name), Decode(label, value));
        }

        if (builder is { SslMode: SslMode.Require, RootCertificate.Length: > 0 })
        {
            builder.SslMode = SslMode.VerifyCA; // as in libpq
        }

        builder.Host = string.Join(',', hosts.Select(h => Written(h.Host, h.Port ?? DefaultPort, hosts.Count > 1)));
        builder.Port = hosts[0].Port ?? DefaultPort;
        return builder.ConnectionString;
    }

    private static void Apply(
        string label, NpgsqlConnectionStringBuilder builder, List<(string Host, int? Port)> hosts, string name, string value)
    {
        switch (name)
        {
            case "host" or "hostaddr":
                List<int?> ports = hosts.Select(h => h.Port).ToList();
                string[] names = value.Split(',');
                hosts.Clear();
                hosts.AddRange(names.Select((host, i) => (host, i < ports.Count ? ports[i] : ports[0])));
                break;
            case "port":
                string[] given = value.Split(',');
                for (int i = 0; i < hosts.Count; i++)
                {
                    hosts[i] = (hosts[i].Host, Port(label, given[Math.Min(i, given.Length - 1)]));
                }

                break;
            case "sslrootcert" when value == "system":
                builder.SslMode = SslMode.VerifyFull; // by the system's authorities, which Npgsql takes when no others are named
                break;
            default:
                string keyword = Renamed.GetValueOrDefault(name, name);
                // libpq writes verify-full and read-write where Npgsql's enumerations have VerifyFull; the session attribute keeps its
                // dash.
                Set(label, builder, keyword, name, keyword == "SSL Mode" ? value.Replace("-", "") : value);
                break;
        }
    }

    private static (string Host, int? Port) HostAndPort(string label, string text)
    {
        int colon = text.LastIndexOf(':');
        return colon < 0 || colon < text.LastIndexOf(']')
            ? (Decode(label, text), null)
            : (Decode(label, text[..colon]), colon == text.Length - 1 ? null : Port(label, text[(colon + 1)..]));
    }

    private static int Port(string label, string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out int port) && port is > 0 and <= 65535
            ? port
            : throw new FlagException(
                $"{label} has a port that is not a number from 1 to 65535 "
                + "(percent-encode the user and password if they contain any of : / ? # @).");

    private static string Written(string host, int port, bool withPort)
    {
        string name = host.Length == 0 ? "localhost" : host;
        return withPort ? $"{name}:{port}"
            : name is ['[', .., ']'] ? name[1..^1]
            : name;
    }

    private static void Set(string label, NpgsqlConnectionStringBuilder builder, string keyword, string name, string value)
    {
        if (value.Length == 0)
        {
            return;
        }

        try
        {
            builder[keyword] = value;
        }
        catch (Exception e) when (DatabaseAddress.IsRefusal(e))
        {
            // A known name may be repeated; an unknown one might be the tail of a password with a ? in it.
            throw new FlagException(Renamed.ContainsKey(name)
                ? $"{label} has a URL whose parameter {name} has a value that Npgsql does not accept."
                : $"{label} has a URL with a parameter or a value that Npgsql does not know.");
        }
    }

    private static string Decode(string label, string text)
    {
        for (int i = text.IndexOf('%'); i >= 0; i = text.IndexOf('%', i + 1))
        {
            if (i + 2 >= text.Length || !char.IsAsciiHexDigit(text[i + 1]) || !char.IsAsciiHexDigit(text[i + 2]))
            {
                throw new FlagException(
                    $"{label} has a URL with a % that is not followed by two hexadecimal digits (a % itself is written %25).");
            }
        }

        return Uri.UnescapeDataString(text);
    }

    private static (string Before, string After) Cut(string text, char at)
    {
        int i = text.IndexOf(at);
        return i < 0 ? (text, "") : (text[..i], text[(i + 1)..]);
    }
}
