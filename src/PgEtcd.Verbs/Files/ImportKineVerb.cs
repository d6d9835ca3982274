using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Postgres.Transfer.Kine;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary><c>pgetcd import-kine</c>: copies the store of a k3s from kine's table in PostgreSQL into an empty schema.</summary>
internal static class ImportKineVerb
{
    private const string From = "--from";
    private const string Table = "--table";
    private const string WithHistory = "--with-history";

    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    public static readonly Verb Verb = new(
        "import-kine", "", "Move the store of a k3s, or another kine on PostgreSQL, into an empty schema; revisions stay.", RunAsync)
    {
        Flags =
        [
            new(From, "CONNECTION", "kine's database, as --database is written; its table is only read."),
            new(Table, "NAME", "kine's table, if it is not \"kine\"."),
            new(WithHistory, null, "Import changes too, as far back as they are whole; else what the keys hold now."),
            new(OutputFlags.DryRun, null, "Only say what would be imported."),
        ],
        Notes = ["Stop k3s, or kine and its API servers, on every node first: see docs/guides/kine.md."],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        string from = arguments.Values.GetValueOrDefault(From)
            ?? throw new CommandException($"pgetcd import-kine needs {From}, kine's database.");
        bool isDry = arguments.Switches.Contains(OutputFlags.DryRun);
        await using Database source = new(arguments.ReadAddress(From, from), new SchemaName("pgetcd"), NullLoggerFactory.Instance, From);
        await source.ConnectAsync(ConnectLimit, cancellationToken);
        await using KineTable kine = await KineTable.OpenAsync(
            source, arguments.Values.GetValueOrDefault(Table, "kine"), arguments.Switches.Contains(WithHistory), cancellationToken);
        string schema = arguments.Target.Schema;
        if (isDry && arguments.Target is { Database: null, DataDir: var data, DataDirIsDefault: var isDefault }
            && !DataDirectory.MayHoldStore(data, isDefault))
        {
            await SayAsync($"Would import {Shown(kine.Counts)} into schema '{schema}' below {data}, which would be made.");
            return 0;
        }

        await using VerbDatabase target = await VerbDatabase.OpenAsync(
            arguments.Target, isDry ? SchemaUse.Leave : SchemaUse.Create, cancellationToken);
        if (isDry && !await target.Migrator.ExistsAsync(cancellationToken))
        {
            await SayAsync($"Would import {Shown(kine.Counts)} into schema '{schema}', which would be made.");
            return 0;
        }

        await using LogImport import = await LogImport.BeginAsync(target.Database, isDry ? null : target.Migrator, cancellationToken)
            ?? throw new CommandException(SnapshotImport.NotEmpty(target.Database.Schema));
        if (isDry)
        {
            await SayAsync($"Would import {Shown(kine.Counts)} into schema '{schema}', which is empty.");
            return 0;
        }

        KineImport copy = new(kine, import);
        await StepAsync("importing", copy.CopyAsync);
        if (!await StepAsync("checking", copy.CheckAsync))
        {
            throw new CommandException("the database would differ from kine's table: nothing was imported.");
        }

        if (!await kine.IsUnchangedAsync(cancellationToken))
        {
            throw new CommandException("kine's table was written to meanwhile: nothing was imported; stop k3s on every node first.");
        }

        await import.CommitAsync(cancellationToken);
        await SayAsync(
            $"Imported {Shown(kine.Counts)}, {copy.Leases} leases, into schema '{schema}'. "
            + $"HashKV of the database is that of kine's rows: {copy.Hash}.");
        return 0;

        Task<T> StepAsync<T>(string what, Func<Action<long>, CancellationToken, Task<T>> work) => ProgressDisplay.StepAsync(
            what, kine.Counts.Rows, report => work(done => ProgressDisplay.ReportNowAndThen(done, report), cancellationToken));
    }

    private static string Shown(KineCounts counts) =>
        $"revision {counts.Revision}, compacted at {counts.CompactRevision}, {counts.Rows} changes, {counts.Keys} keys "
        + $"({counts.UnknownVersions} of unknown version, {counts.Gaps} gap rows left out)";

    private static Task SayAsync(string line) => Console.Out.WriteLineAsync(line);
}
