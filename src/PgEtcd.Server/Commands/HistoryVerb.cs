using Npgsql;
using PgEtcd.Postgres;

namespace PgEtcd.Server.Commands;

/// <summary><c>pgetcd history KEY</c>: every change that is still known, and who made it.</summary>
internal static class HistoryVerb
{
    private const string Prefix = "--prefix";

    public static readonly Verb Verb = new(
        "history", "[KEY]", "Every change of a key that is still known, archive included, and who made it.", RunAsync)
    {
        Values = new Dictionary<string, (string, string)>
        {
            [Prefix] = ("PREFIX", "Of all keys with that prefix, instead of one KEY."),
            [OutputFlags.Output] = OutputFlags.OutputHelp,
        },
        Switches = new Dictionary<string, string> { [OutputFlags.Hex] = OutputFlags.HexHelp },
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
        await using PastReader past = await PastReader.OpenAsync(arguments.Options, cancellationToken);
        using RowWriter rows = new(isJson, arguments.Switches.Contains(OutputFlags.Hex));
        await past.AskAsync(queries => prefix is null
            ? queries.KeyHistoryAsync(key, reader => rows.Add(Row(reader, withKey: false)), cancellationToken)
            : queries.PrefixHistoryAsync(key, reader => rows.Add(Row(reader, withKey: true)), cancellationToken));
        if (rows.Count == 0)
        {
            (_, long oldest) = await past.StatusAsync(cancellationToken);
            string since = oldest > 1 ? $" since revision {oldest}, and what was before is forgotten" : "";
            throw new CommandException($"There was no {(prefix is null ? "key" : "key with the prefix")} '{Printable.Text(key)}'{since}.");
        }

        return 0;
    }

    private static Field[] Row(NpgsqlDataReader reader, bool withKey) =>
    [
        new("key", PastReader.Value(reader, 0), withKey ? "KEY" : null, IsBytes: true),
        new("mod_revision", reader.GetInt64(1), "REVISION"),
        new("sub", reader.GetInt32(2)),
        new("change", PastReader.Value(reader, 3), "CHANGE"),
        new("value", PastReader.Value(reader, 4), "VALUE", IsBytes: true),
        new("create_revision", reader.GetInt64(5)),
        new("version", reader.GetInt64(6), "VERSION"),
        new("lease", reader.GetInt64(7)),
        new("prev_mod_revision", PastReader.Value(reader, 8)),
        new("committed_at", PastReader.Value(reader, 9), "WHEN"),
        new("username", PastReader.Value(reader, 10), "USER"),
        new("client", PastReader.Value(reader, 11), "CLIENT"),
        new("request", PastReader.Value(reader, 12), "REQUEST"),
        new("frontend", PastReader.Value(reader, 13), "FRONTEND"),
        new("archived", reader.GetBoolean(14)),
    ];
}
