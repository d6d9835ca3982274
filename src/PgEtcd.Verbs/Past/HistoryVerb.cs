using PgEtcd.Postgres;
using PgEtcd.Postgres.History;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary><c>pgetcd history KEY</c>: shows every known change of a key, and its author.</summary>
internal static class HistoryVerb
{
    private const string Prefix = "--prefix";
    private const string Follow = "--follow";

    public static readonly Verb Verb = new(
        "history", "[KEY]", "Every change of a key that is still known, archive included, and who made it.", RunAsync)
    {
        Values = new Dictionary<string, (string, string)>
        {
            [Prefix] = ("PREFIX", "Of all keys with that prefix, instead of one KEY."),
            [OutputFlags.Output] = OutputFlags.OutputHelp,
        },
        Switches = new Dictionary<string, string>
        {
            [Follow] = "Then go on with those that come, until it is stopped.",
            [OutputFlags.Hex] = OutputFlags.HexHelp,
        },
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        string? prefix = arguments.Values.GetValueOrDefault(Prefix);
        if ((prefix is null) == (arguments.Arguments.Count == 0))
        {
            throw new CommandException($"pgetcd history needs either KEY or {Prefix}.");
        }

        bool isJson = OutputFlags.IsJson(arguments);
        byte[] key = OutputFlags.Bytes(arguments, prefix ?? arguments.Argument);
        await using PastReader past = await PastReader.OpenAsync(arguments.Target, cancellationToken);
        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => prefix is null
            ? queries.KeyHistoryAsync(key, row => rows.Add(Row(row, withKey: false)), cancellationToken)
            : queries.PrefixHistoryAsync(key, row => rows.Add(Row(row, withKey: true)), cancellationToken));
        if (arguments.Switches.Contains(Follow))
        {
            await past.FollowAsync(key, prefix is not null, Show, cancellationToken);
        }

        if (rows.Count == 0)
        {
            (_, long oldest) = await past.StatusAsync(cancellationToken);
            string since = oldest > 1 ? $" since revision {oldest}, and earlier history is gone" : "";
            throw new CommandException($"There was no {(prefix is null ? "key" : "key with the prefix")} '{Printable.Text(key)}'{since}.");
        }

        return 0;

        void Show(List<HistoryRow> later)
        {
            later.ForEach(row => rows.Add(Row(row, withKey: prefix is not null)));
            rows.Flush();
        }
    }

    private static Field[] Row(HistoryRow row, bool withKey) =>
    [
        new("key", row.Key, withKey ? "KEY" : null, IsBytes: true),
        new("mod_revision", row.ModRevision, "REVISION"),
        new("sub", row.Sub),
        new("change", row.Change, "CHANGE"),
        new("value", row.Value, "VALUE", IsBytes: true),
        new("create_revision", row.CreateRevision),
        new("version", row.Version, "VERSION"),
        new("lease", row.Lease),
        new("prev_mod_revision", row.PrevModRevision),
        new("committed_at", row.CommittedAt, "WHEN"),
        new("username", row.Username, "USER"),
        new("client", row.Client, "CLIENT"),
        new("request", row.Request, "REQUEST"),
        new("frontend", row.Frontend, "FRONTEND"),
        new("archived", row.Archived),
    ];
}
