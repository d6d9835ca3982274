using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Server.CommandLines;

/// <summary>Reads the command line of a verb.</summary>
internal static class VerbLine
{
    private static readonly string[] HelpFlags = ["--help", "-help", "-h"];

    /// <summary>Reads the words behind a verb: its arguments (in any place), its own flags, and the server's flags. All words behind
    /// <c>--</c> are arguments.</summary>
    /// <param name="verb">The verb.</param>
    /// <param name="words">The words behind the verb.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="text">The text to print instead, if the result is null.</param>
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
            else if (!word.StartsWith('-') || word == "-")
            {
                arguments.Add(word);
            }
            else if (verb.Flags.Any(flag => flag.Name == word && flag.Value is null))
            {
                switches.Add(word);
            }
            else if (verb.Flags.Any(flag => flag.Name == parts[0] && flag.Value is not null))
            {
                if (parts.Length == 1 && at + 1 == words.Count)
                {
                    text = CommandLineResult.Fail($"{parts[0]} needs a value.", FlagException.BadValue);
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
            : arguments.Count > verb.MostArguments
                ? Usage(verb.MostArguments == 0 ? "takes no arguments" : $"takes {verb.Argument} and no more")
            : null;
        return text is null ? new VerbArguments(arguments, switches, values, Target(server.Options!), ReadAddress) : null;

        CommandLineResult Usage(string what) =>
            CommandLineResult.Fail($"pgetcd {verb.Name} {what}: see pgetcd {verb.Name} --help.", CommandLineResult.UnknownFlag);
    }

    private static VerbTarget Target(ServerOptions options) =>
        new(options.Database, options.Schema, options.DataDir, options.DataDirIsDefault, options.MayMigrate, options.DatabasePassword);

    private static string ReadAddress(string flag, string text)
    {
        try
        {
            return DatabaseAddress.ToConnectionString(flag, text);
        }
        catch (FlagException refused)
        {
            throw new CommandException(refused.Message);
        }
    }

    private static bool TakesValue(string word) =>
        Flags.All.Any(flag => !flag.IsSwitch && flag.Names.Contains(word.TrimStart('-')));
}
