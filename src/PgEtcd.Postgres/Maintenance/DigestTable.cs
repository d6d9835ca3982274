using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>The digest of the log, by which a verification finds rows that were changed or are gone (functions/digest.sql).</summary>
public sealed class DigestTable(Database database)
{
    /// <summary>How often to take in what was appended: the part of the log for which nothing vouches is as old as this.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Rows in one transaction: some ten milliseconds.</summary>
    private const int Rows = 10_000;

    private const string RecordSql = "select pgetcd.record_digest($1)";

    /// <summary>Takes in what was appended since the last time.</summary>
    public async Task RecordAsync(CancellationToken cancellationToken)
    {
        while (await database.Command(RecordSql, Rows).ScalarAsync(cancellationToken) is true)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
