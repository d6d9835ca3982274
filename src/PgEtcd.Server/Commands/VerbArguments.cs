using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Commands;

/// <summary>What followed a verb.</summary>
/// <param name="Arguments">Its arguments.</param>
/// <param name="Switches">Those of its own flags without a value that were given.</param>
/// <param name="Values">Those of its own flags with a value that were given.</param>
/// <param name="Options">The flags that it shares with the server.</param>
internal sealed record VerbArguments(
    IReadOnlyList<string> Arguments, IReadOnlySet<string> Switches, IReadOnlyDictionary<string, string> Values, ServerOptions Options)
{
    private static readonly string[] HelpFlags = ["--help", "-help", "-h"];

    /// <summary>Of verbs that have one.</summary>
    public string Argument => Arguments[0];

    /// <summary>Reads what follows a verb: its arguments, anywhere, its own flags, and the server's. After <c>--</c> there are only
    /// arguments.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="words">What follows it.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="text">What to print instead, when the answer is null.</param>
    public static VerbArguments? Parse(
        Verb verb, IReadOnlyList<string> words, IReadOnlyDictionary<string, string> environment, out CommandLineResult? text)
    {
        if (words.TakeWhile(word => word != "--").Any(HelpFlags.Contains))
        {
            text = CommandLineResult.Print(verb.HelpText);
            return null;
        }

        List<string> arguments = [];
        HashSet<string> switches = [];
        Dictionary<string, string> values = [];
        List<string> shared = [];
        for (int at = 0; at < words.Count; at++)
        {
            string word = words[at];
            string[] parts = word.Split('=', 2);
            if (word == "--")
            {
                arguments.AddRange(words.Skip(at + 1));
                break;
            }
            else if (!word.StartsWith('-'))
            {
                arguments.Add(word);
            }
            else if (verb.Switches.ContainsKey(word))
            {
                switches.Add(word);
            }
            else if (verb.Values.ContainsKey(parts[0]))
            {
                if (parts.Length == 1 && at + 1 == words.Count)
                {
                    text = CommandLineResult.Fail($"{parts[0]} needs a value.", CommandLineResult.BadValue);
                    return null;
                }

                values[parts[0]] = parts.Length == 2 ? parts[1] : words[++at];
            }
            else
            {
                shared.Add(word);
                if (parts.Length == 1 && at + 1 < words.Count && TakesValue(word))
                {
                    shared.Add(words[++at]);
                }
            }
        }

        CommandLineResult server = CommandLine.Parse([.. shared], environment);
        text = server.Options is null ? server
            : arguments.Count < verb.LeastArguments ? Usage($"needs {verb.Argument}")
            : arguments.Count > verb.MostArguments ? Usage(verb.MostArguments == 0 ? "takes no arguments" : $"takes {verb.Argument} and no more")
            : null;
        return text is null ? new VerbArguments(arguments, switches, values, server.Options!) : null;

        CommandLineResult Usage(string what) =>
            CommandLineResult.Fail($"pgetcd {verb.Name} {what}: see pgetcd {verb.Name} --help.", CommandLineResult.UnknownFlag);
    }

    private static bool TakesValue(string word) =>
        Flags.All.Any(flag => !flag.IsSwitch && flag.Names.Contains(word.TrimStart('-')));
}
