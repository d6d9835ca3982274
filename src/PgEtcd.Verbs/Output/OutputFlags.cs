using System.Globalization;
using PgEtcd.Postgres;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Output;

/// <summary>The flags of verbs with output.</summary>
internal static class OutputFlags
{
    public const string Output = "--output";
    public const string Hex = "--hex";
    public const string Prefix = "--prefix";
    public const string At = "--at";
    public const string DryRun = "--dry-run";

    private const string Table = "table";
    private const string Json = "json";

    public static readonly VerbFlag OutputFlag = new(Output, "FORMAT", "table (the default) or json.");

    public static readonly VerbFlag HexFlag = new(
        Hex, null, "Show keys and values in hex, and read the key or prefix that is given as hex (6b6579 or \\x6b\\x65\\x79).");

    /// <summary>Whether the output is JSON.</summary>
    public static bool IsJson(VerbArguments arguments) => arguments.Values.GetValueOrDefault(Output, Table) switch
    {
        Table => false,
        Json => true,
        string other => throw new CommandException($"{Output} must be {Table} or {Json}, not \"{Printable.Given(other)}\"."),
    };

    /// <summary>Reads a revision.</summary>
    public static long Revision(string flag, string text) =>
        long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long revision)
            ? revision
            : throw new CommandException($"{flag} must be a revision, not \"{Printable.Given(text)}\".");

    /// <summary>The prefix that limits a result; empty: none does.</summary>
    public static byte[] PrefixOf(VerbArguments arguments) => Bytes(arguments, arguments.Values.GetValueOrDefault(Prefix, ""));

    /// <summary>The argument KEY, or the prefix that is given instead.</summary>
    /// <exception cref="CommandException">Both are given, or none.</exception>
    public static (byte[] Key, bool IsPrefix) KeyOrPrefix(string verb, VerbArguments arguments)
    {
        string? prefix = arguments.Values.GetValueOrDefault(Prefix);
        return (prefix is null) == (arguments.Arguments.Count == 0)
            ? throw new CommandException($"pgetcd {verb} needs either KEY or {Prefix}.")
            : (Bytes(arguments, prefix ?? arguments.Argument), prefix is not null);
    }

    /// <summary>Reads a key or prefix.</summary>
    public static byte[] Bytes(VerbArguments arguments, string text)
    {
        if (!arguments.Switches.Contains(Hex))
        {
            return System.Text.Encoding.UTF8.GetBytes(text);
        }

        try
        {
            return Convert.FromHexString(text.Replace("\\x", "", StringComparison.Ordinal));
        }
        catch (FormatException)
        {
            throw new CommandException($"{Hex}: \"{Printable.Given(text)}\" is not hex.");
        }
    }
}
