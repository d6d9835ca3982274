using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>Physical removal of superseded rows after a compaction, and the archive to which they may move
/// (functions/removal.sql).</summary>
public sealed class RemovalTable(Database database)
{
    private const string RemoveSql = "select outcome, removed from pgetcd.remove_superseded($1, $2, $3)";

    private const string ProgressSql = """
        select c.compact_revision, m.attended_revision from pgetcd.cluster c cross join pgetcd.removal m
        """;

    private const string KeepArchiveSql = "select pgetcd.keep_archive($1)";

    private readonly HashReader _hashes = new(database);

    /// <summary>Removes the next batch in one transaction; after a compaction, its hash is computed first. A batch that is killed at any
    /// point has no effect.</summary>
    /// <param name="rows">Rows of the log to examine; at most twice that number are removed.</param>
    /// <param name="inDoubt">Time after an append during which its frontend may still look up the outcome.</param>
    /// <param name="toArchive">Whether the rows move to the archive, whose partitions must exist.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the removal.</param>
    public async Task<RemovalStep> RemoveAsync(int rows, TimeSpan inDoubt, bool toArchive, CancellationToken cancellationToken)
    {
        while (true)
        {
            (string outcome, long removed) = await database.Command(RemoveSql, rows, inDoubt, toArchive)
                .FirstAsync<(string, long)>(cancellationToken);
            if (outcome != "unhashed")
            {
                return new RemovalStep(Enum.Parse<RemovalOutcome>(outcome, ignoreCase: true), removed);
            }

            await _hashes.KeepHashAsync(cancellationToken);
        }
    }

    /// <summary>The progress of removal.</summary>
    /// <returns>The compact revision, and the last compact revision whose superseded rows are removed, except rows that may still be
    /// looked up.</returns>
    public Task<(long CompactRevision, long AttendedRevision)> ProgressAsync(CancellationToken cancellationToken) =>
        database.Command(ProgressSql).FirstAsync<(long, long)>(cancellationToken);

    /// <summary>Creates the archive's partitions for the next day and drops those that are older than the retention.</summary>
    /// <param name="retention">Time for which removed rows are kept.</param>
    public Task KeepArchiveAsync(TimeSpan retention, CancellationToken cancellationToken) =>
        database.Command(KeepArchiveSql, retention).RunAsync(cancellationToken);
}

/// <summary>The result of a batch of removal.</summary>
/// <param name="Outcome">How to continue.</param>
/// <param name="Removed">Rows removed.</param>
public readonly record struct RemovalStep(RemovalOutcome Outcome, long Removed);

/// <summary>How removal continues after a batch; the names are those of <c>remove_superseded</c>.</summary>
public enum RemovalOutcome
{
    /// <summary>All superseded rows are gone.</summary>
    Finished,

    /// <summary>There is another batch.</summary>
    More,

    /// <summary>A row was written a moment ago, and other frontends may not have read it.</summary>
    Soon,

    /// <summary>A row may still be looked up by a frontend whose connection broke. The rest is due in a few seconds.</summary>
    Later,
}
