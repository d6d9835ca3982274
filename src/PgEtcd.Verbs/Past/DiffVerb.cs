using PgEtcd.Postgres.History;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary><c>pgetcd diff FROM TO</c>: shows the keys that differ between two moments.</summary>
internal static class DiffVerb
{
    public static readonly Verb Verb = new("diff", "FROM TO", "The keys that are not the same at two moments, the earlier first.", RunAsync)
    {
        Flags =
        [
            new(OutputFlags.Prefix, "PREFIX", "Only keys with that prefix."),
            OutputFlags.OutputFlag,
            OutputFlags.HexFlag,
        ],
        Notes = [PastReader.MomentHelp],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = OutputFlags.IsJson(arguments);
        byte[] prefix = OutputFlags.PrefixOf(arguments);
        await using PastReader past = await PastReader.OpenAsync(arguments.Target, cancellationToken);
        long from = await past.RevisionAsync("FROM", arguments.Arguments[0], cancellationToken);
        long to = await past.RevisionAsync("TO", arguments.Arguments[1], cancellationToken);
        if (from > to)
        {
            throw new CommandException($"FROM (revision {from}) must not be after TO (revision {to}).");
        }

        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => queries.DifferencesAsync(from, to, prefix, row => rows.Add(Row(row)), cancellationToken));
        rows.Say($"{(rows.Count == 1 ? "1 key differs" : $"{rows.Count} keys differ")} between revision {from} and revision {to}.");
        return 0;
    }

    private static Field[] Row(DifferenceRow row) =>
    [
        new("key", row.Key, "KEY", IsBytes: true),
        new("change", row.Change, "CHANGE"),
        new("old_value", row.OldValue, "OLD VALUE", IsBytes: true),
        new("old_mod_revision", row.OldModRevision),
        new("new_value", row.NewValue, "NEW VALUE", IsBytes: true),
        new("new_mod_revision", row.NewModRevision),
    ];
}
