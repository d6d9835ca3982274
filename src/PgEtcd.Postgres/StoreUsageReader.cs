using Npgsql;

namespace PgEtcd.Postgres;

/// <summary>Reads how big the store is and how far removal has come, for those who watch over it. Costs a look at each file of
/// the schema.</summary>
public sealed class StoreUsageReader(Database database)
{
    private const string UsageSql = """
        select s.total, s.in_use, c.compact_revision, m.attended_revision
        from pgetcd.storage_size() s cross join pgetcd.cluster c cross join pgetcd.removal m
        """;

    /// <summary>Reads it.</summary>
    public async Task<StoreUsage> ReadAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command(UsageSql);
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return new StoreUsage(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3));
    }
}

/// <summary>How big the store is.</summary>
/// <param name="TotalBytes">All tables of the schema with their indexes, the archive included.</param>
/// <param name="UsedBytes">Of that, what is not free to be used again; an estimate.</param>
/// <param name="CompactRevision">The compaction mark.</param>
/// <param name="AttendedRevision">The last compact revision of which no rows are left that could be removed.</param>
public sealed record StoreUsage(long TotalBytes, long UsedBytes, long CompactRevision, long AttendedRevision);
