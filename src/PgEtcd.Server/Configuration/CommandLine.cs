using System.CommandLine;
using System.CommandLine.Help;
using PgEtcd.Server.Commands;

namespace PgEtcd.Server.Configuration;

/// <summary>Turns arguments and environment into <see cref="ServerOptions"/>, or into what to print instead.</summary>
/// <remarks>Follows Go's flag package, which etcd uses (flags.md §0): one dash or two, "=value" or a word of its own, the last one wins.</remarks>
public static class CommandLine
{
    private const string VersionFlag = "version";

    /// <summary>Reads the command line. Never throws and never prints.</summary>
    public static CommandLineResult Parse(string[] args, IReadOnlyDictionary<string, string> environment)
    {
        try
        {
            return ParseChecked(args, environment);
        }
        catch (FlagException e)
        {
            return CommandLineResult.Fail(e.Message, e.ExitCode);
        }
    }

    private static CommandLineResult ParseChecked(string[] args, IReadOnlyDictionary<string, string> environment)
    {
        var options = Flags.All.ToDictionary(
            flag => flag.Name,
            flag => OptionFor(flag.Name, flag.ValueName, flag.Default is null ? flag.Help : $"{flag.Help} (default {flag.Default})"));
        foreach (var name in Flags.WithoutMeaning)
        {
            var option = OptionFor(name, "value", "");
            option.Hidden = true;
            option.Arity = ArgumentArity.ZeroOrMore;
            options.Add(name, option);
        }

        if (args is [['[', ..] directive, ..])
        {
            // The parser would swallow it as a directive of its own.
            throw Unmatched(directive, args, options.Keys);
        }

        var known = options.Keys.Append(VersionFlag).Append("help").ToHashSet();
        var root = RootWith(options.Values);
        var result = root.Parse([.. args.Select(argument => WithTwoDashes(argument, known))],
            new ParserConfiguration { EnablePosixBundling = false, ResponseFileTokenReplacer = null });
        if (result.Action is HelpAction help)
        {
            using var text = new StringWriter();
            result.Invoke(new InvocationConfiguration { Output = text });
            return CommandLineResult.Print($"{text.ToString().TrimEnd()}{Environment.NewLine}{Environment.NewLine}{Verbs.HelpText}");
        }

        foreach (var (name, option) in options)
        {
            if (result.GetResult(option) is not { Implicit: false } found)
            {
                continue;
            }

            var takesNext = found.Tokens.Any(token => token.Value.StartsWith("--", StringComparison.Ordinal) && known.Contains(BareName(token.Value)));
            if (takesNext || (found.Tokens.Count == 0 && option.Arity.MinimumNumberOfValues > 0))
            {
                throw new FlagException($"--{name} needs a value.");
            }
        }

        if (result.UnmatchedTokens is [var unknown, ..])
        {
            throw Unmatched(unknown, args, known);
        }

        if (result.GetValue<bool>("--" + VersionFlag))
        {
            return CommandLineResult.Print(ReleaseInfo.VersionText);
        }

        if (result.Errors is [var error, ..])
        {
            throw new FlagException(error.Message);
        }

        var given = new Dictionary<string, string>();
        foreach (var (name, option) in options)
        {
            if (result.GetResult(option) is { Implicit: false } found)
            {
                given[name] = found.Tokens.Count == 0 ? "" : found.Tokens[^1].Value;
            }
        }

        return CommandLineResult.Serve(OptionsBuilder.Build(given, environment));
    }

    private static RootCommand RootWith(IEnumerable<Option> options)
    {
        var root = new RootCommand("etcd v3 on PostgreSQL. Every flag of etcd is also read from ETCD_<FLAG>, e.g. ETCD_LISTEN_CLIENT_URLS.");
        root.Directives.Clear();
        root.Options.Clear();
        root.SetAction(_ => 0);
        foreach (var option in options)
        {
            root.Options.Add(option);
        }

        root.Options.Add(new Option<bool>("--" + VersionFlag) { Description = "Print the version and end.", Arity = ArgumentArity.Zero });
        root.Options.Add(new HelpOption("--help", "-h") { Description = "Print this and end." });
        return root;
    }

    /// <summary>Accepts the flag many times, so that the last can win.</summary>
    private static Option<string[]> OptionFor(string name, string valueName, string help) =>
        new("--" + name) { HelpName = valueName, Description = help, Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = false };

    private static string WithTwoDashes(string argument, HashSet<string> known) =>
        argument is ['-', not '-', _, ..] && known.Contains(BareName(argument)) ? "-" + argument : argument;

    private static FlagException Unmatched(string token, string[] args, IEnumerable<string> known)
    {
        // Of what is not understood only a flag's name or a first word is repeated: the rest may be a password.
        if (!token.StartsWith('-'))
        {
            var flag = args.TakeWhile(argument => argument != token).LastOrDefault(argument => argument.StartsWith('-'));
            return new FlagException(flag is null
                ? $"\"{FlagValues.Shown(token)}\" is neither a flag nor a command: see --help."
                : $"There is a word after --{BareName(flag)} that belongs to no flag: put quotes around a value with spaces.", CommandLineResult.UnknownFlag);
        }

        var name = BareName(token);
        return new FlagException(Spelling.Nearest(name, known) is { } near
            ? $"Unknown flag --{FlagValues.Shown(name)}: did you mean --{near}?"
            : $"Unknown flag --{FlagValues.Shown(name)}: see --help.", CommandLineResult.UnknownFlag);
    }

    private static string BareName(string argument) => argument.TrimStart('-').Split('=', 2)[0];
}
