using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>How much room the store takes, how far removal is, and the downgrade that an operator has announced.</summary>
public sealed class StorageTable(Database database)
{
    private const string ReportSql = """
        select s.total, s.in_use, c.compact_revision, m.attended_revision, c.downgrade_target
        from pgetcd.storage_size() s cross join pgetcd.cluster c cross join pgetcd.removal m
        """;

    /// <summary>Measures. Costs a few milliseconds, whatever the store holds.</summary>
    public async Task<StorageReport> ReportAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command(ReportSql);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new StorageReport(
            reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.IsDBNull(4) ? null : reader.GetString(4));
    }

    /// <summary>Notes the version that the cluster shall go down to.</summary>
    /// <returns>False when a downgrade is under way already.</returns>
    public async Task<bool> EnableDowngradeAsync(string version, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command(
            "update pgetcd.cluster set downgrade_target = $1 where downgrade_target is null");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = version });
        return await command.ExecuteNonQueryAsync(cancellationToken) == 1;
    }

    /// <summary>Forgets it.</summary>
    public async Task CancelDowngradeAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command(
            "update pgetcd.cluster set downgrade_target = null where downgrade_target is not null");
        await command.ExecuteNonQueryAsync(cancellationToken);
    }
}

/// <summary>The store from outside.</summary>
/// <param name="Total">Bytes that the schema's tables and indexes take on disk.</param>
/// <param name="InUse">Of these, an estimate of what holds something; the rest is room for new rows.</param>
/// <param name="CompactRevision">The compaction mark.</param>
/// <param name="AttendedRevision">The last compact revision of which no rows are left that could be removed.</param>
/// <param name="DowngradeTarget">The version that the cluster shall go down to; null: none.</param>
public sealed record StorageReport(long Total, long InUse, long CompactRevision, long AttendedRevision, string? DowngradeTarget);
