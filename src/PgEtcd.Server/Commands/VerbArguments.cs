using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Commands;

/// <summary>What followed a verb.</summary>
/// <param name="Argument">Its argument.</param>
/// <param name="Switches">Those of its own flags that were given.</param>
/// <param name="Options">The flags that it shares with the server.</param>
internal sealed record VerbArguments(string Argument, IReadOnlySet<string> Switches, ServerOptions Options)
{
    private static readonly string[] HelpFlags = ["--help", "-help", "-h"];

    /// <summary>Reads what follows a verb: its argument, first or last, its own flags, and the server's.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="words">What follows it.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="text">What to print instead, when the answer is null.</param>
    public static VerbArguments? Parse(
        Verb verb, IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, out CommandLineResult? text)
    {
        if (words.Any(HelpFlags.Contains))
        {
            text = CommandLineResult.Print(verb.HelpText);
            return null;
        }

        HashSet<string> switches = [.. words.Where(verb.Switches.ContainsKey)];
        List<string> rest = [.. words.Where(word => !switches.Contains(word))];
        int at = rest is [['-', ..], ..] ? rest.Count - 1 : 0;
        if (rest.Count == 0 || rest[at].StartsWith('-'))
        {
            text = CommandLineResult.Fail($"pgetcd {verb.Name} needs {verb.Argument}: see pgetcd {verb.Name} --help.", CommandLineResult.UnknownFlag);
            return null;
        }

        string argument = rest[at];
        rest.RemoveAt(at);
        CommandLineResult shared = CommandLine.Parse([.. rest], environment);
        text = shared.Options is null ? shared : null;
        return shared.Options is null ? null : new VerbArguments(argument, switches, shared.Options);
    }
}
