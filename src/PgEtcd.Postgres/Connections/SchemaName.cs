using System.Collections.Concurrent;
using System.Text.RegularExpressions;

namespace PgEtcd.Postgres.Connections;

/// <summary>The schema of an etcd cluster: checked once, then safe to put into SQL text.</summary>
/// <param name="name">A letter or underscore, followed by at most 62 letters, digits, underscores or hyphens.</param>
/// <exception cref="ArgumentException">The name is not like that.</exception>
public sealed partial class SchemaName(string name)
{
    private readonly ConcurrentDictionary<string, string> _applied = new();
    private readonly string _name = IsAllowed(name) ? name : throw new ArgumentException(
        $"'{name}' is not a usable schema name: use up to 63 letters, digits, underscores and hyphens, not starting with a digit.",
        nameof(name));

    /// <summary>Whether a cluster's schema may have the name.</summary>
    public static bool IsAllowed(string name) => Allowed().IsMatch(name);

    /// <summary>The name as a quoted SQL identifier.</summary>
    public string Quoted => $"\"{_name}\"";

    /// <summary>Rewrites SQL for this schema: <c>pgetcd.</c> and <c>'pgetcd'</c> are replaced.</summary>
    public string Apply(string sql) => _applied.GetOrAdd(sql, Replace);

    /// <inheritdoc/>
    public override string ToString() => _name;

    private string Replace(string sql) =>
        DefaultName().Replace(sql, match => match.Value[0] == '\'' ? $"'{_name}'" : $"{Quoted}.");

    [GeneratedRegex(@"^[A-Za-z_][A-Za-z0-9_-]{0,62}\z")]
    private static partial Regex Allowed();

    [GeneratedRegex(@"'pgetcd'|\bpgetcd\.")]
    private static partial Regex DefaultName();
}
