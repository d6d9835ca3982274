using PgEtcd.Postgres.History;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary><c>pgetcd restore KEY --at MOMENT</c>: restores a key or a prefix, in one transaction.</summary>
internal static class RestoreVerb
{
    private const string UnchangedSince = "--unchanged-since";

    public static readonly Verb Verb = new(
        "restore", "[KEY]", "Put a key, or all keys with a prefix, back as it was, deletions included; the history keeps both.", RunAsync)
    {
        Flags =
        [
            new(OutputFlags.At, "MOMENT", "When it was as it shall be."),
            new(OutputFlags.Prefix, "PREFIX", "All keys with that prefix, instead of one KEY."),
            new(UnchangedSince, "REVISION", "Do nothing if one of the keys has changed since; the present revision if it is not given."),
            OutputFlags.OutputFlag,
            new(OutputFlags.DryRun, null, "Only show what would be done."),
            OutputFlags.HexFlag,
        ],
        Notes = [PastReader.MomentHelp],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        (byte[] key, bool isPrefix) = OutputFlags.KeyOrPrefix("restore", arguments);
        string at = arguments.Values.GetValueOrDefault(OutputFlags.At)
            ?? throw new CommandException($"pgetcd restore needs {OutputFlags.At}, the moment to go back to.");
        bool isJson = OutputFlags.IsJson(arguments);
        await using PastReader past = await PastReader.OpenAsync(arguments.Target, cancellationToken);
        (long now, _) = await past.StatusAsync(cancellationToken);
        long seen = arguments.Values.TryGetValue(UnchangedSince, out string? since)
            ? OutputFlags.Revision(UnchangedSince, since)
            : now;
        long revision = await past.RevisionAsync(OutputFlags.At, at, cancellationToken);
        Restore restore = new(key, isPrefix, revision, seen);
        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => queries.RestorePlanAsync(restore, row => rows.Add(Row(row)), cancellationToken));
        string keys = rows.Count == 1 ? "1 key" : $"{rows.Count} keys";
        if (arguments.Switches.Contains(OutputFlags.DryRun))
        {
            rows.Say(
                $"{keys} would be restored to revision {revision}; the store is at {now}. "
                + $"To do this and nothing else: {UnchangedSince} {now}.");
        }
        else if (await past.RestoreAsync(restore, cancellationToken) is { } made)
        {
            rows.Say($"{keys} restored to revision {revision}, by revision {made}.");
        }
        else
        {
            rows.Say($"Nothing differs from revision {revision}.");
        }

        return 0;
    }

    private static Field[] Row(RestoreRow row) =>
    [
        new("key", row.Key, "KEY", IsBytes: true),
        new("change", row.Change, "CHANGE"),
        new("old_value", row.OldValue, "PRESENT VALUE", IsBytes: true),
        new("old_mod_revision", row.OldModRevision),
        new("new_value", row.NewValue, "VALUE AFTER", IsBytes: true),
        new("new_mod_revision", row.NewModRevision),
        new("lease", row.Lease),
        new("lost_lease", row.LostLease, "LOST LEASE"),
    ];
}
