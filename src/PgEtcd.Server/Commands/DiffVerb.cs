using Npgsql;

namespace PgEtcd.Server.Commands;

/// <summary><c>pgetcd diff FROM TO</c>: the keys that are not the same at two moments.</summary>
internal static class DiffVerb
{
    private const string Prefix = "--prefix";

    public static readonly Verb Verb = new("diff", "FROM TO", "The keys that are not the same at two moments, the earlier first.", RunAsync)
    {
        Values = new Dictionary<string, (string, string)>
        {
            [Prefix] = ("PREFIX", "Only keys with that prefix."),
            [OutputFlags.Output] = OutputFlags.OutputHelp,
        },
        Switches = new Dictionary<string, string> { [OutputFlags.Hex] = OutputFlags.HexHelp },
        Notes = [PastReader.MomentHelp],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        bool isJson = OutputFlags.IsJson(arguments);
        byte[] prefix = OutputFlags.Bytes(arguments, arguments.Values.GetValueOrDefault(Prefix, ""));
        await using PastReader past = await PastReader.OpenAsync(arguments.Options, cancellationToken);
        long from = await past.RevisionAsync("FROM", arguments.Arguments[0], cancellationToken);
        long to = await past.RevisionAsync("TO", arguments.Arguments[1], cancellationToken);
        if (from > to)
        {
            throw new CommandException($"FROM (revision {from}) must not be after TO (revision {to}).");
        }

        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => queries.DifferencesAsync(from, to, prefix, reader => rows.Add(Row(reader)), cancellationToken));
        rows.Say($"{(rows.Count == 1 ? "1 key differs" : $"{rows.Count} keys differ")} between revision {from} and revision {to}.");
        return 0;
    }

    private static Field[] Row(NpgsqlDataReader reader) =>
    [
        new("key", PastReader.Value(reader, 0), "KEY", IsBytes: true),
        new("change", PastReader.Value(reader, 1), "CHANGE"),
        new("old_value", PastReader.Value(reader, 2), "OLD VALUE", IsBytes: true),
        new("old_mod_revision", PastReader.Value(reader, 3)),
        new("new_value", PastReader.Value(reader, 4), "NEW VALUE", IsBytes: true),
        new("new_mod_revision", PastReader.Value(reader, 5)),
    ];
}
