using System.Text;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.CommandLines;

/// <summary>The text of --help: the flags by group.</summary>
internal static class HelpText
{
    private const int Width = 110;

    private static readonly (FlagGroup Group, string Title)[] Groups =
    [
        (FlagGroup.Database, "PostgreSQL"),
        (FlagGroup.Member, "This frontend"),
        (FlagGroup.Clients, "Serving clients"),
        (FlagGroup.History, "Compaction and history"),
        (FlagGroup.Logging, "Logs and traces"),
        (FlagGroup.Security, "TLS, users and roles"),
    ];

    /// <summary>The text, without a line break at its end.</summary>
    /// <param name="verbs">The part that lists the verbs.</param>
    public static string Write(string verbs)
    {
        StringBuilder text = new();
        text.AppendLine("pgetcd [command] [flags]: etcd v3 on PostgreSQL.").AppendLine();
        text.AppendLine(verbs).AppendLine();
        Wrap(text, "", "Flags are etcd's, also read from ETCD_<FLAG>, e.g. ETCD_LISTEN_CLIENT_URLS; "
            + "PgEtcd's own from PGETCD_<FLAG>, e.g. PGETCD_DATABASE. "
            + "docs/configuration.md says more.");
        foreach ((FlagGroup group, string title) in Groups)
        {
            text.AppendLine().AppendLine(title);
            foreach (Flag flag in Flags.All.Where(flag => flag.Group == group))
            {
                Describe(text, flag);
            }
        }

        text.AppendLine().AppendLine("Accepted for compatibility with etcd, without effect here");
        Wrap(text, "  ", string.Join(' ', Flags.All.Where(flag => flag.Group == FlagGroup.Ignored).Select(flag => "--" + flag.Name)));
        text.AppendLine().AppendLine("  --version").AppendLine("      Print the version and end.");
        text.AppendLine("  --help, -h").Append("      Print this and end.");
        return text.ToString();
    }

    private static void Describe(StringBuilder text, Flag flag)
    {
        text.Append("  --").Append(flag.Name).AppendLine(flag.IsSwitch ? "" : $" <{flag.ValueName}>");
        Wrap(text, "      ", flag.Default is null or "" or "false" ? flag.Help : $"{flag.Help} (default {flag.Default})");
    }

    private static void Wrap(StringBuilder text, string indent, string words)
    {
        int column = 0;
        foreach (string word in words.Split(' '))
        {
            if (column > 0 && column + 1 + word.Length > Width)
            {
                text.AppendLine();
                column = 0;
            }

            text.Append(column == 0 ? indent : " ").Append(word);
            column += (column == 0 ? indent.Length : 1) + word.Length;
        }

        text.AppendLine();
    }
}
