using PgEtcd.Postgres;
using PgEtcd.Postgres.History;
using PgEtcd.Verbs.Output;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Past;

/// <summary><c>pgetcd history KEY</c>: shows every known change of a key, and its author.</summary>
internal static class HistoryVerb
{
    private const string Follow = "--follow";

    public static readonly Verb Verb = new(
        "history", "[KEY]", "Every change of a key that is still known, archive included, and who made it.", RunAsync)
    {
        Flags =
        [
            new(OutputFlags.Prefix, "PREFIX", "Of all keys with that prefix, instead of one KEY."),
            OutputFlags.OutputFlag,
            new(Follow, null, "Then go on with those that come, until it is stopped."),
            OutputFlags.HexFlag,
        ],
    };

    private static async Task<int> RunAsync(VerbArguments arguments, CancellationToken cancellationToken)
    {
        (byte[] key, bool isPrefix) = OutputFlags.KeyOrPrefix("history", arguments);
        bool isJson = OutputFlags.IsJson(arguments);
        await using PastReader past = await PastReader.OpenAsync(arguments.Target, cancellationToken);
        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => isPrefix
            ? queries.PrefixHistoryAsync(key, row => rows.Add(Row(row, withKey: true)), cancellationToken)
            : queries.KeyHistoryAsync(key, row => rows.Add(Row(row, withKey: false)), cancellationToken));
        if (arguments.Switches.Contains(Follow))
        {
            await past.FollowAsync(key, isPrefix, Show, cancellationToken);
        }

        if (rows.Count == 0)
        {
            (_, long oldest) = await past.StatusAsync(cancellationToken);
            string since = oldest > 1 ? $" since revision {oldest}, and earlier history is gone" : "";
            throw new CommandException($"There was no {(isPrefix ? "key with the prefix" : "key")} '{Printable.Text(key)}'{since}.");
        }

        return 0;

        void Show(List<HistoryRow> later)
        {
            later.ForEach(row => rows.Add(Row(row, withKey: isPrefix)));
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
