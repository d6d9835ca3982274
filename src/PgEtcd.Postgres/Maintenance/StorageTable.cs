using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>The size of the store, the progress of removal, and the downgrade that an operator has announced.</summary>
public sealed class StorageTable(Database database)
{
    // Subqueries, not joins: for a table of one row without statistics the planner expects hundreds, and would compile a large product.
    private const string ReportSql = """
        select s.total, s.in_use, t.compact_revision, (select m.attended_revision from pgetcd.removal m) as attended_revision,
            (select c.downgrade_target from pgetcd.cluster c) as downgrade_target, t.revision
        from pgetcd.storage_size() s cross join pgetcd.status t
        """;

    private const string SetDowngradeSql = "select pgetcd.set_downgrade($1)";

    /// <summary>Measures the store. Costs a few milliseconds, however large the store is.</summary>
    public async Task<StorageReport> ReportAsync(CancellationToken cancellationToken) =>
        (await database.Command(ReportSql).FirstAsync<StorageReport>(cancellationToken))!;

    /// <summary>Stores the version of an announced downgrade.</summary>
    /// <returns>False if a downgrade is under way already.</returns>
    public async Task<bool> EnableDowngradeAsync(string version, CancellationToken cancellationToken) =>
        await database.Command(SetDowngradeSql, version).ScalarAsync(cancellationToken) is true;

    /// <summary>Clears the downgrade.</summary>
    public Task CancelDowngradeAsync(CancellationToken cancellationToken) =>
        database.Command(SetDowngradeSql, (string?)null).RunAsync(cancellationToken);
}

/// <summary>A report about the store's size and progress.</summary>
/// <param name="Total">Bytes of the schema's tables and indexes on disk, without PostgreSQL's free-space maps.</param>
/// <param name="InUse">An estimate of the part of them that holds data; the rest is the initial size of every store, and free space for
/// new rows.</param>
/// <param name="CompactRevision">The compaction mark.</param>
/// <param name="AttendedRevision">The last compact revision without rows that could be removed.</param>
/// <param name="DowngradeTarget">The version of the announced downgrade; null for none.</param>
/// <param name="Revision">The end of the log.</param>
public sealed record StorageReport(
    long Total, long InUse, long CompactRevision, long AttendedRevision, string? DowngradeTarget, long Revision);
