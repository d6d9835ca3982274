namespace PgEtcd.Testing.Postgres;

/// <summary>How a <see cref="PostgresServer"/> is to run.</summary>
public sealed record PostgresOptions
{
    /// <summary>Whether commits reach the disk; only tests that lose power need it.</summary>
    public bool Fsync { get; init; }

    /// <summary>More settings, as in postgresql.conf.</summary>
    public IReadOnlyDictionary<string, string> Settings { get; init; } = new Dictionary<string, string>();
}
