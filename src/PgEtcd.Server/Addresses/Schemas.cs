using System.Text;
using PgEtcd.Postgres.Connections;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Addresses;

/// <summary>PostgreSQL's rules for the name of a schema.</summary>
internal static class Schemas
{
    /// <summary>The longest identifier in bytes; PostgreSQL cuts longer ones silently, so two schemas could become one.</summary>
    private const int LongestName = 63;

    /// <exception cref="FlagException">The name is not allowed for a schema.</exception>
    public static string Check(string label, string name)
    {
        if (Encoding.UTF8.GetByteCount(name) > LongestName)
        {
            throw new FlagException($"{label} must have at most {LongestName} bytes, which is PostgreSQL's limit for a name.");
        }

        if (name.Any(char.IsControl) || name.Any(char.IsSurrogate) && name.EnumerateRunes().Contains(Rune.ReplacementChar))
        {
            throw new FlagException($"{label} must not contain control characters.");
        }

        if (!SchemaName.IsAllowed(name))
        {
            throw new FlagException(
                $"{label} must consist of letters, digits, underscores and hyphens and not start with a digit or hyphen, "
                + $"not \"{FlagValues.Shown(name)}\".");
        }

        return name.StartsWith("pg_", StringComparison.Ordinal) || name == "information_schema"
            ? throw new FlagException($"{label} must not be \"{name}\": PostgreSQL keeps pg_… and information_schema for itself.")
            : name;
    }
}
