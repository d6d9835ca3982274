using System.Globalization;
using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Verification;

/// <summary>Compares the rows of log and archive with their recorded digests (functions/digest.sql).</summary>
internal static class DigestCheck
{
    private const string LogSql = """
        select d.revision, d.recorded_at, d.rows, found.rows, d.digest = found.digest
        from pgetcd.log_digest d cross join lateral (
            select count(*) as rows, coalesce(bit_xor(pgetcd.row_digest(r.revision, r.sub, r.key, r.value,
                r.create_revision, r.version, r.lease, r.committed_at, r.username, r.client, r.frontend)), 0) as digest
            from pgetcd.revisions r where r.revision <= d.revision) found
        """;

    // A day whose partition was dropped has no digest left.
    private const string ArchiveSql = """
        select d.day::text, d.rows, coalesce(found.rows, 0), d.digest = coalesce(found.digest, 0)
        from pgetcd.archive_days d left join (
            select (a.removed_at at time zone 'UTC')::date as day, count(*) as rows,
                bit_xor(pgetcd.row_digest(a.revision, a.sub, a.key, a.value,
                    a.create_revision, a.version, a.lease, a.committed_at, a.username, a.client, a.frontend)) as digest
            from pgetcd.revisions_archive a group by 1) found on found.day = d.day
        where to_regclass(format('%I.%I', 'pgetcd', 'revisions_archive_' || to_char(d.day, 'YYYYMMDD'))) is not null
        order by d.day
        """;

    /// <summary>Runs the comparison.</summary>
    public static async Task RunAsync(Snapshot snapshot, Findings findings, CancellationToken cancellationToken)
    {
        await snapshot.Command(LogSql).WithoutLimit().EachAsync(
            reader => Compare(
                $"of the log up to revision {reader.GetInt64(0)}, "
                + $"recorded at {reader.GetDateTime(1).ToString("O", CultureInfo.InvariantCulture)}",
                reader, 2, findings),
            cancellationToken);
        await snapshot.Command(ArchiveSql).WithoutLimit().EachAsync(
            reader => Compare($"of the archive, removed on {reader.GetString(0)}", reader, 1, findings), cancellationToken);
    }

    private static void Compare(string where, NpgsqlDataReader reader, int first, Findings findings)
    {
        (long recorded, long found, bool isSame) = (reader.GetInt64(first), reader.GetInt64(first + 1), reader.GetBoolean(first + 2));
        if (recorded != found)
        {
            findings.Add(Invariant.Digest, $"There are {found} rows {where}; there were {recorded}.");
        }
        else if (!isSame)
        {
            findings.Add(Invariant.Digest, $"A row {where}, is not what it was.");
        }
    }
}
