using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.History;

/// <summary>Restores a key, or all keys with a prefix, to their state at a revision (docs/sql.md).</summary>
/// <param name="Key">The key or the prefix.</param>
/// <param name="IsPrefix">Whether it is a prefix.</param>
/// <param name="Revision">The revision.</param>
/// <param name="UnchangedSince">The restore is refused if one of the keys has changed after this revision.</param>
public sealed record Restore(byte[] Key, bool IsPrefix, long Revision, long UnchangedSince)
{
    private const string KeySql = "select pgetcd.restore_key($1, $2, $3)";
    private const string PrefixSql = "select pgetcd.restore_prefix($1, $2, $3)";

    /// <summary>Runs the restore in one transaction.</summary>
    /// <returns>The revision of the restore; null if nothing differs.</returns>
    /// <exception cref="Npgsql.PostgresException">Refused: its SQLSTATE begins with <see cref="PastQueries.RefusalState"/>.</exception>
    public async Task<long?> RunAsync(Database database, CancellationToken cancellationToken) =>
        await database.Command(IsPrefix ? PrefixSql : KeySql, Key, Revision, UnchangedSince).WithoutLimit()
            .ScalarAsync(cancellationToken) as long?;
}
