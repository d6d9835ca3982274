using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>The digest of the log, by which a verification finds changed or missing rows (functions/digest.sql).</summary>
public sealed class DigestTable(Database database)
{
    /// <summary>Period at which new rows are added. The newest part of the log, up to this age, is not yet covered.</summary>
    public static readonly TimeSpan Period = TimeSpan.FromSeconds(10);

    /// <summary>Rows in one transaction, which takes about ten milliseconds.</summary>
    private const int Rows = 10_000;

    private const string RecordSql = "select pgetcd.record_digest($1)";

    /// <summary>Adds the rows that were appended since the last call.</summary>
    public async Task RecordAsync(CancellationToken cancellationToken)
    {
        while (await database.Command(RecordSql, Rows).ScalarAsync(cancellationToken) is true)
        {
            cancellationToken.ThrowIfCancellationRequested();
        }
    }
}
