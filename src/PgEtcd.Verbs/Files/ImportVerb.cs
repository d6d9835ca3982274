using PgEtcd.Frontend.Snapshots;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Snapshots;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary><c>pgetcd import FILE</c>: imports an etcd snapshot into an empty schema, or keys into any.</summary>
internal static class ImportVerb
{
    private const string WithoutAuth = "--without-auth";
    private const string FromPrefix = "--from-prefix";
    private const string ToPrefix = "--to-prefix";
    private const string Replace = "--replace";

    public static readonly Verb Verb = new(
        "import", "FILE", "Read a snapshot of etcd 3.4 to 3.6, or a stopped member's db file, into an empty schema; or keys into any.",
        RunAsync)
    {
        Flags =
        [
            FileFormat.Flag,
            new(FromPrefix, "PREFIX", "jsonl: the prefix that all keys in the file have, to be taken off."),
            new(ToPrefix, "PREFIX", "jsonl: the prefix to put in its place."),
            new(WithoutAuth, null, "snapshot: leave out users and roles, and whether authentication is on."),
            new(Replace, null, "jsonl: put over keys that exist, which is refused otherwise."),
            new(OutputFlags.Hex, null, "jsonl: the prefixes are given in hex."),
        ],
    };

    private static Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = FileFormat.IsJson(arguments);
        string? foreign = isJson
            ? arguments.Switches.FirstOrDefault(flag => flag == WithoutAuth)
            : arguments.Values.Keys.Concat(arguments.Switches).FirstOrDefault(flag => flag is FromPrefix or ToPrefix or Replace);
        return foreign is not null
            ? throw new CommandException($"{foreign} does not go with {FileFormat.Name}={(isJson ? "jsonl" : "snapshot")}.")
            : isJson ? KeysAsync(arguments, cancellationToken)
            : SnapshotAsync(arguments, cancellationToken);
    }

    private static async Task<int> KeysAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        byte[] fromPrefix = OutputFlags.Bytes(arguments, arguments.Values.GetValueOrDefault(FromPrefix, ""));
        byte[] toPrefix = OutputFlags.Bytes(arguments, arguments.Values.GetValueOrDefault(ToPrefix, ""));
        KeyLines lines = new(arguments.Argument, fromPrefix, toPrefix);
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Target, SchemaUse.Create, cancellationToken);
        KeyImportResult result = await ProgressDisplay.StepAsync("importing", 0, report => KeyImport.RunAsync(
            opened.Database, opened.Migrator, lines.ReadAsync(cancellationToken), arguments.Switches.Contains(Replace), report,
            cancellationToken));
        if (result.Refusal is { } refusal)
        {
            throw new CommandException($"{arguments.Argument}: {refusal}: nothing was imported.");
        }

        string leases = lines.Leased == 0 ? "" : $" {lines.Leased} of them had a lease and were imported without it.";
        string revisions = result.Keys == 0 ? "nothing was written" : $"revisions {result.FirstRevision} to {result.LastRevision}";
        await Console.Out.WriteLineAsync(
            $"Imported {result.Keys} keys from {arguments.Argument} into schema '{arguments.Target.Schema}': {revisions}.{leases}");
        return 0;
    }

    private static async Task<int> SnapshotAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        if (arguments.Argument == WholeFile.Standard)
        {
            throw new CommandException("a snapshot cannot be read from stdin, as it is read from its end: name a file.");
        }

        using SnapshotFile file = SnapshotFile.Open(arguments.Argument);
        SnapshotAuth auth = arguments.Switches.Contains(WithoutAuth) ? SnapshotAuth.None : file.ReadAuth();
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Target, SchemaUse.Create, cancellationToken);
        SnapshotImport import = new(file, auth.IsUsed ? auth.ToRecords() : null, opened);
        ImportResult result = await import.RunAsync(cancellationToken);
        string compacted = result.CompactRevision < 0 ? "never compacted" : $"compacted at {result.CompactRevision}";
        string checksum = file.HasChecksum ? "" : " The file had no checksum, as a member's db file has none.";
        string users = auth.IsUsed
            ? $", {auth.Users.Count} users, {auth.Roles.Count} roles, authentication {(auth.IsEnabled ? "on" : "off")}"
            : "";
        await Console.Out.WriteLineAsync(
            $"Imported {arguments.Argument} into schema '{arguments.Target.Schema}': revision {result.Revision}, {compacted}, "
            + $"{result.Rows} changes, {result.Leases} leases{users}. "
            + $"HashKV of the database is that of the file: {result.Hash}.{checksum}");
        return 0;
    }
}
