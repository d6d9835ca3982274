using Npgsql;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Addresses;

/// <summary>Reads --database: an Npgsql connection string, or a URL as libpq takes it.</summary>
internal static class DatabaseAddress
{
    /// <summary>Keywords that a misspelt one is compared with.</summary>
    private static readonly string[] CommonKeywords =
    [
        "Host", "Server", "Port", "Username", "User Id", "Password", "Database", "SSL Mode", "Root Certificate", "SSL Certificate",
        "SSL Key", "Timeout", "Options", "Target Session Attributes", "Application Name", "Passfile", "Search Path",
    ];

    /// <summary>The address in Npgsql's form. Messages never repeat any of the text, because any part of it may hold a password.</summary>
    /// <exception cref="FlagException">The text is neither a connection string nor a URL.</exception>
    public static string ToConnectionString(string label, string text)
    {
        int scheme = text.IndexOf("://", StringComparison.Ordinal);
        if (scheme >= 0 && text[..scheme] is "postgres" or "postgresql")
        {
            return DatabaseUrl.ToConnectionString(label, text[(scheme + 3)..]);
        }

        if (!text.Contains('='))
        {
            throw new FlagException(
                $"{label} must be a URL such as postgres://user@host/database or an Npgsql connection string such as Host=…;Database=….");
        }

        NpgsqlConnectionStringBuilder builder = Parse(text)
            ?? throw new FlagException($"{label} is not a connection string that Npgsql understands{Culprit(text)}.");
        if (string.IsNullOrWhiteSpace(builder.Host))
        {
            throw new FlagException($"{label} does not name a Host.");
        }

        return builder.Host.Contains('=')
            ? throw new FlagException($"{label} must have semicolons, not spaces, between its parts.")
            : builder.ConnectionString;
    }

    private static NpgsqlConnectionStringBuilder? Parse(string text)
    {
        try
        {
            return new NpgsqlConnectionStringBuilder(text);
        }
        catch (Exception e) when (IsRefusal(e))
        {
            return null;
        }
    }

    /// <summary>Whether an exception is Npgsql's refusal of a connection string.</summary>
    public static bool IsRefusal(Exception e) =>
        e is ArgumentException or FormatException or OverflowException or InvalidCastException or KeyNotFoundException;

    /// <summary>The part that is wrong. Only an existing keyword is named, since anything else may be a piece of a password.</summary>
    private static string Culprit(string text)
    {
        NpgsqlConnectionStringBuilder known = new();
        foreach (string part in text.Split(';', StringSplitOptions.RemoveEmptyEntries))
        {
            string keyword = part.Split('=', 2)[0].Trim();
            if (known.ContainsKey(keyword))
            {
                if (part.Contains('=') && Parse(part) is not { Count: > 0 })
                {
                    return $" (look at the value of {keyword})";
                }
            }
            else if (Spelling.Nearest(keyword, CommonKeywords) is { } near)
            {
                return $" (perhaps {near} is misspelt)";
            }
        }

        return "";
    }
}
