using PgEtcd.Frontend.Snapshots;
using PgEtcd.Postgres;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Past;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary><c>pgetcd export FILE</c>: writes the store, or the keys with a prefix at a revision, to a file, without a server.</summary>
internal static class ExportVerb
{
    public static readonly Verb Verb = new(
        "export", "FILE", "Write an etcd snapshot, as etcdctl snapshot save does, or keys as lines of JSON; - is stdout.", RunAsync)
    {
        Flags =
        [
            FileFormat.Flag,
            new(OutputFlags.Prefix, "PREFIX", "Only keys with that prefix, as they are, without history, users and roles."),
            new(OutputFlags.At, "MOMENT", "Keys as they were then, without history, users and roles."),
            new(OutputFlags.Hex, null, "The prefix is given in hex."),
        ],
        Notes = [PastReader.MomentHelp],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = FileFormat.IsJson(arguments);
        string? at = arguments.Values.GetValueOrDefault(OutputFlags.At);
        string told = isJson || at is not null || arguments.Values.ContainsKey(OutputFlags.Prefix)
            ? await PartAsync(arguments, isJson, at, cancellationToken)
            : await AllAsync(arguments, cancellationToken);
        string file = arguments.Argument == WholeFile.Standard ? "stdout" : arguments.Argument;
        await (arguments.Argument == WholeFile.Standard ? Console.Error : Console.Out).WriteLineAsync(
            $"Exported schema '{arguments.Target.Schema}' to {file}: {told}.");
        return 0;
    }

    private static async Task<string> AllAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        await using VerbDatabase opened = await VerbDatabase.OpenAsync(arguments.Target, SchemaUse.Migrate, cancellationToken);
        await using SnapshotSource source = await SnapshotSource.OpenAsync(
            await LogScan.OpenAsync(opened.Database, cancellationToken), cancellationToken);
        await WriteAsync(arguments.Argument, source, cancellationToken);
        return $"revision {source.Revision}, {source.Rows} changes, {source.Leases} leases, {source.Length} bytes";
    }

    private static async Task<string> PartAsync(VerbArguments arguments, bool isJson, string? at, CancellationToken cancellationToken)
    {
        byte[] prefix = OutputFlags.PrefixOf(arguments);
        await using PastReader past = await PastReader.OpenAsync(arguments.Target, cancellationToken);
        (long now, _) = await past.StatusAsync(cancellationToken);
        long revision = at is null ? now : await past.RevisionAsync(OutputFlags.At, at, cancellationToken);
        string what = $"revision {revision}{(prefix.Length == 0 ? "" : $", prefix '{Printable.Text(prefix)}'")}";
        if (isJson)
        {
            long rows = 0;
            await WholeFile.WriteAsync(arguments.Argument, async output =>
            {
                using RowWriter lines = new(isJson, output: output);
                await past.AskAsync(queries =>
                    queries.StateAsync(revision, prefix, row => lines.Add(StateVerb.Row(row)), cancellationToken));
                rows = lines.Count;
            });
            return $"{what}, {rows} keys";
        }

        string told = "";
        await past.AskAsync(async _ =>
        {
            await using SnapshotSource source = await SnapshotSource.OpenAsync(
                await LogScan.OpenAsync(past.Database, revision, prefix, cancellationToken), cancellationToken);
            await WriteAsync(arguments.Argument, source, cancellationToken);
            told = $"{what}, {source.Rows} keys, {source.Leases} leases, {source.Length} bytes";
        });
        return told;
    }

    private static Task WriteAsync(string path, SnapshotSource source, CancellationToken cancellationToken) => WholeFile.WriteAsync(
        path,
        output => ProgressDisplay.StepAsync("exporting", source.Length, async report =>
        {
            long written = 0;
            byte[] hash = await source.WriteAsync(
                async piece =>
                {
                    await output.WriteAsync(piece, cancellationToken);
                    report(written += piece.Length);
                },
                cancellationToken);
            await output.WriteAsync(hash, cancellationToken);
            return written;
        }));
}
