using System.CommandLine;
using System.CommandLine.Help;
using PgEtcd.Protocol;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.CommandLines;

/// <summary>Turns arguments and environment into <see cref="ServerOptions"/>, or into what to print instead.</summary>
/// <remarks>Follows Go's flag package, which etcd uses (flags.md §0): one dash or two, a value behind "=" or as the next word, and the
/// last occurrence wins.</remarks>
public static class CommandLine
{
    private const string VersionFlag = "version";

    /// <summary>Reads the command line. Never throws and never prints.</summary>
    /// <param name="args">The arguments.</param>
    /// <param name="environment">The environment.</param>
    /// <param name="verbs">The part of --help that lists the verbs.</param>
    public static CommandLineResult Parse(string[] args, IReadOnlyDictionary<string, string> environment, string verbs = "")
    {
        try
        {
            return ParseChecked(args, environment, verbs);
        }
        catch (FlagException e)
        {
            return CommandLineResult.Fail(e.Message, e.ExitCode);
        }
    }

    private static CommandLineResult ParseChecked(string[] args, IReadOnlyDictionary<string, string> environment, string verbs)
    {
        Dictionary<string, Option<string[]>> options = Flags.All.SelectMany(OptionsFor).ToDictionary(option => option.Name[2..]);
        if (args is [['[', ..] directive, ..])
        {
            // The parser would swallow it as a directive of its own.
            throw Unmatched(directive, args, options.Keys);
        }

        HashSet<string> known = [.. options.Keys, VersionFlag, "help"];
        ParseResult result = RootWith(options.Values).Parse(
            [.. args.Select(argument => WithTwoDashes(argument, known))],
            new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (result.Action is HelpAction)
        {
            return CommandLineResult.Print(HelpText.Write(verbs));
        }

        Dictionary<string, string> typed = [];
        HashSet<string> switches = [.. Flags.All.Where(flag => flag.IsSwitch).SelectMany(flag => flag.Names)];
        foreach ((string name, Option<string[]> option) in options)
        {
            if (result.GetResult(option) is not { Implicit: false } found)
            {
                continue;
            }

            bool takesNext = found.Tokens.Any(
                token => token.Value.StartsWith("--", StringComparison.Ordinal) && known.Contains(BareName(token.Value)));
            bool isEmpty = found.Tokens.Count == 0
                && args.Any(argument => argument.StartsWith('-') && argument.TrimStart('-') == name + "=");
            if (takesNext || (found.Tokens.Count == 0 && !switches.Contains(name) && !isEmpty))
            {
                throw new FlagException($"--{name} needs a value.");
            }

            typed[name] = isEmpty ? "" : found.Tokens.Count == 0 ? "true" : found.Tokens[^1].Value;
        }

        if (result.UnmatchedTokens is [var unknown, ..])
        {
            throw Unmatched(unknown, args, known);
        }

        if (result.GetValue<bool>("--" + VersionFlag))
        {
            return CommandLineResult.Print(ReleaseInfo.VersionText);
        }

        return result.Errors is [var error, ..]
            ? throw new FlagException(error.Message)
            : CommandLineResult.Serve(OptionsBuilder.Build(typed, environment));
    }

    private static RootCommand RootWith(IEnumerable<Option> options)
    {
        RootCommand root = new();
        root.Directives.Clear();
        root.Options.Clear();
        root.SetAction(_ => 0);
        foreach (Option option in options)
        {
            root.Options.Add(option);
        }

        root.Options.Add(new Option<bool>("--" + VersionFlag) { Arity = ArgumentArity.Zero });
        root.Options.Add(new HelpOption("--help", "-h"));
        return root;
    }

    /// <summary>Accepts the flag many times, so that the last can win, and also without a value, which <see cref="ParseChecked"/>
    /// judges.</summary>
    private static IEnumerable<Option<string[]>> OptionsFor(Flag flag) => flag.Names.Select(name => new Option<string[]>("--" + name)
    {
        Arity = ArgumentArity.ZeroOrMore,
        AllowMultipleArgumentsPerToken = false,
    });

    private static string WithTwoDashes(string argument, HashSet<string> known) =>
        argument is ['-', not '-', _, ..] && known.Contains(BareName(argument)) ? "-" + argument : argument;

    private static FlagException Unmatched(string token, string[] args, IEnumerable<string> known)
    {
        // A message repeats only a flag's name or the first word of the text that is not understood: the rest may be a password.
        if (!token.StartsWith('-'))
        {
            string? flag = args.TakeWhile(argument => argument != token).LastOrDefault(argument => argument.StartsWith('-'));
            return new FlagException(flag is null
                ? $"\"{FlagValues.Shown(token)}\" is neither a flag nor a command: see --help."
                : $"There is a word after --{FlagValues.Shown(BareName(flag))} that belongs to no flag: "
                    + "put quotes around a value with spaces.",
                CommandLineResult.UnknownFlag);
        }

        string name = BareName(token);
        return new FlagException(Spelling.Nearest(name, known) is { } near
            ? $"Unknown flag --{FlagValues.Shown(name)}: did you mean --{near}?"
            : $"Unknown flag --{FlagValues.Shown(name)}: see --help.", CommandLineResult.UnknownFlag);
    }

    private static string BareName(string argument) => argument.TrimStart('-').Split('=', 2)[0];
}
