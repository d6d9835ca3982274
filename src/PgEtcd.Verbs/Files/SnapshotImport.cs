using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Snapshots;
using PgEtcd.Snapshots.Bbolt;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary>Imports a snapshot into an empty schema: all of it or nothing.</summary>
/// <param name="file">The snapshot.</param>
/// <param name="auth">Its users and roles; null to leave them out.</param>
/// <param name="target">The schema.</param>
internal sealed class SnapshotImport(SnapshotFile file, AuthRecords? auth, VerbDatabase target)
{
    /// <summary>Longest TTL that etcd grants, seconds.</summary>
    private const long MostTtl = 9_000_000_000;

    /// <summary>Runs the import.</summary>
    /// <exception cref="SnapshotException">The file is damaged.</exception>
    /// <exception cref="CommandException">The schema is not empty, or its content would differ from the file's.</exception>
    public async Task<ImportResult> RunAsync(CancellationToken cancellationToken)
    {
        HistorySurvey survey = await ProgressDisplay.StepAsync(
            "reading the file", 0, report => Task.Run(() => new HistorySurvey(file, report, cancellationToken), cancellationToken));
        (long Id, long Ttl)[] leases = [.. file.ReadLeases().Select(lease => (lease.Id, Math.Clamp(lease.Ttl, 1, MostTtl)))];
        await using LogImport import = await LogImport.BeginAsync(target.Database, target.Migrator, cancellationToken)
            ?? throw new CommandException(NotEmpty(target.Database.Schema));

        (long rows, uint expected) = await ProgressDisplay.StepAsync(
            "importing", survey.Entries, report => CopyAsync(import, survey, report, cancellationToken));
        uint found = await ProgressDisplay.StepAsync("checking", rows, async report =>
        {
            await import.FinishAsync(survey.Revision, file.CompactRevision, leases, auth, cancellationToken);
            long hashed = 0;
            return await import.HashAsync(() => ProgressDisplay.ReportNowAndThen(hashed++, report), cancellationToken);
        });
        if (found != expected)
        {
            throw new CommandException(
                $"the database would differ from the file (HashKV {found}, expected {expected}): nothing was imported.");
        }

        await import.CommitAsync(cancellationToken);
        return new ImportResult(rows, leases.Length, survey.Revision, file.CompactRevision, found);
    }

    /// <summary>The message about a schema that is not empty.</summary>
    public static string NotEmpty(SchemaName schema) =>
        $"--schema: '{schema}' is not empty: import needs a new schema, or one that was never written to.";

    private async Task<(long Rows, uint Hash)> CopyAsync(
        LogImport import, HistorySurvey survey, Action<long> report, CancellationToken cancellationToken)
    {
        HashKv hash = new(survey.Revision, file.CompactRevision, survey.AnyKept);
        long entries = 0;
        long rows = 0;
        foreach ((SnapshotChange change, ReadOnlyMemory<byte> encoded) in file.ReadHistory())
        {
            ProgressDisplay.ReportNowAndThen(entries++, report);
            if (survey.IsPresent(change))
            {
                hash.Add(change.Revision, change.Sub, change.IsTombstone, survey.IsKept(change), encoded.Span);
                await import.AddAsync(
                    change.Revision, change.Sub, change.Key, change.Value, change.CreateRevision, change.Version, change.Lease,
                    cancellationToken);
                rows++;
            }
        }

        return (rows, hash.Value);
    }
}

/// <summary>The result of an import.</summary>
/// <param name="Rows">The number of changes in the history.</param>
/// <param name="Leases">The number of leases.</param>
/// <param name="Revision">The store's revision.</param>
/// <param name="CompactRevision">The compaction mark; -1 if never compacted.</param>
/// <param name="Hash">HashKV at the revision, of the file and of the database.</param>
internal sealed record ImportResult(long Rows, int Leases, long Revision, long CompactRevision, uint Hash);
