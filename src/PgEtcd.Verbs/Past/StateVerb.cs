using PgEtcd.Postgres.History;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary><c>pgetcd state --at MOMENT</c>: shows the keys of a moment.</summary>
internal static class StateVerb
{
    public static readonly Verb Verb = new("state", "", "The keys and values as they were, or are.", RunAsync)
    {
        Flags =
        [
            new(OutputFlags.At, "MOMENT", "When; now if it is not given."),
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
        (long now, _) = await past.StatusAsync(cancellationToken);
        long revision = arguments.Values.TryGetValue(OutputFlags.At, out string? at)
            ? await past.RevisionAsync(OutputFlags.At, at, cancellationToken)
            : now;
        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => queries.StateAsync(revision, prefix, row => rows.Add(Row(row)), cancellationToken));
        rows.Say($"{(rows.Count == 1 ? "1 key" : $"{rows.Count} keys")} at revision {revision}; the store is at {now}.");
        return 0;
    }

    /// <summary>The fields of a key in JSON, also in files.</summary>
    public static Field[] Row(StateRow row) =>
    [
        new("key", row.Key, "KEY", IsBytes: true),
        new("value", row.Value, "VALUE", IsBytes: true),
        new("create_revision", row.CreateRevision, "CREATED"),
        new("mod_revision", row.ModRevision, "MODIFIED"),
        new("version", row.Version, "VERSION"),
        new("lease", row.Lease),
    ];
}
