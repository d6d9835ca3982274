namespace PgEtcd.Testing.Postgres;

/// <summary>The options of a <see cref="PostgresServer"/>.</summary>
public sealed record PostgresOptions
{
    /// <summary>Whether commits reach the disk; only tests of a power loss need it.</summary>
    public bool Fsync { get; init; }

    /// <summary>More settings, as in postgresql.conf.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
