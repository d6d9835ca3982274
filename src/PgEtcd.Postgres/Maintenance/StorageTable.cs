using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>How much room the store takes, how far removal is, and the downgrade that an operator has announced.</summary>
public sealed class StorageTable(Database database)
{
    private const string ReportSql = """
        select s.total, s.in_use, t.compact_revision, m.attended_revision, c.downgrade_target, t.revision
        from pgetcd.storage_size() s cross join pgetcd.status t cross join pgetcd.cluster c cross join pgetcd.removal m
        """;

    private const string SetDowngradeSql = "select pgetcd.set_downgrade($1)";

    /// <summary>Measures. Costs a few milliseconds, however large the store is.</summary>
    public async Task<StorageReport> ReportAsync(CancellationToken cancellationToken) =>
        (await database.Command(ReportSql).FirstAsync<StorageReport>(cancellationToken))!;

    /// <summary>Notes the version that the cluster shall go down to.</summary>
    /// <returns>False when a downgrade is under way already.</returns>
    public async Task<bool> EnableDowngradeAsync(string version, CancellationToken cancellationToken) =>
        await database.Command(SetDowngradeSql, version).ScalarAsync(cancellationToken) is true;

    /// <summary>Forgets the downgrade.</summary>
    public Task CancelDowngradeAsync(CancellationToken cancellationToken) =>
        database.Command(SetDowngradeSql, (string?)null).RunAsync(cancellationToken);
}

/// <summary>The store from outside.</summary>
/// <param name="Total">Bytes that the schema's tables and indexes take on disk, without PostgreSQL's maps of their free space.</param>
/// <param name="InUse">Of these, an estimate of those that hold something; the rest is what every store has from the start, and room for
/// new rows.</param>
/// <param name="CompactRevision">The compaction mark.</param>
/// <param name="AttendedRevision">The last compact revision of which no rows are left that could be removed.</param>
/// <param name="DowngradeTarget">The version that the cluster shall go down to; null: none.</param>
/// <param name="Revision">The end of the log.</param>
public sealed record StorageReport(
    long Total, long InUse, long CompactRevision, long AttendedRevision, string? DowngradeTarget, long Revision);
