using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.History;

/// <summary>The wish that a key, or all keys with a prefix, be as they were (docs/sql.md).</summary>
/// <param name="Key">The key or the prefix.</param>
/// <param name="IsPrefix">Which of the two.</param>
/// <param name="Revision">As of when.</param>
/// <param name="UnchangedSince">It is refused if one of the keys has changed after this revision.</param>
public sealed record Restore(byte[] Key, bool IsPrefix, long Revision, long UnchangedSince)
{
    private const string KeySql = "select pgetcd.restore_key($1, $2, $3)";
    private const string PrefixSql = "select pgetcd.restore_prefix($1, $2, $3)";

    /// <summary>Fulfils it, in one transaction.</summary>
    /// <returns>The revision that did it; null if nothing differs.</returns>
    /// <exception cref="Npgsql.PostgresException">Refused: its state begins with <see cref="PastQueries.RefusalState"/>.</exception>
    public async Task<long?> RunAsync(Database database, CancellationToken cancellationToken) =>
        await database.Command(IsPrefix ? PrefixSql : KeySql, Key, Revision, UnchangedSince).WithoutLimit()
            .ScalarAsync(cancellationToken) as long?;
}
