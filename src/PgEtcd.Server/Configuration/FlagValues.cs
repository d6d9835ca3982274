using System.Globalization;
using PgEtcd.Postgres;
using PgEtcd.Protocol;

namespace PgEtcd.Server.Configuration;

/// <summary>The value of each flag and its origin: the command line, the environment, the configuration file or the default.</summary>
/// <remarks>
/// etcd's flags follow etcd's rules (flags.md §0): a flag comes from the command line or the environment, and giving both is an
/// error; a configuration file, if there is one, is the only source. PgEtcd's own flags are looked up on the command line, then in
/// the environment, then in the file, so that a file made for etcd needs no change and a password need not be in it.
/// </remarks>
internal sealed class FlagValues
{
    private const int NanosecondsPerTick = 100;

    private readonly Dictionary<string, Given> _given = [];

    /// <param name="typed">Values by a flag's name or old name.</param>
    /// <param name="environment">The environment. An empty variable counts as unset, as in etcd.</param>
    /// <param name="file">The configuration file, if there is one.</param>
    /// <exception cref="FlagException">A flag is given twice.</exception>
    public FlagValues(
        IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment, ConfigFile? file = null)
    {
        foreach (Flag flag in Flags.All)
        {
            foreach (string name in flag.Names)
            {
                Given? found = file is null || flag.IsOurs ? FromCommand(flag, name, typed, environment) : null;
                found ??= file?.Find(name) is { } value ? new Given(value, file.LabelOf(name), IsFromFile: true) : null;
                if (found is not null && !_given.TryAdd(flag.Name, found))
                {
                    throw new FlagException($"{_given[flag.Name].Label} and {found.Label} are the same flag: give one.");
                }
            }
        }
    }

    /// <summary>Whether the flag is set on the command line, by its variable or in the file.</summary>
    public bool IsGiven(Flag flag) => _given.ContainsKey(flag.Name);

    /// <summary>The flag's name in a message, which shows where it was set.</summary>
    public string Label(Flag flag) => _given.TryGetValue(flag.Name, out Given? given) ? given.Label : "--" + flag.Name;

    /// <summary>The value; null if it was not given and has no fixed default.</summary>
    /// <exception cref="FlagException">The value is empty and must not be.</exception>
    public string? OptionalText(Flag flag)
    {
        string? value = _given.TryGetValue(flag.Name, out Given? given) ? given.Value : flag.Default;
        return value is { Length: 0 } && flag.Default is not "" && !flag.MayBeEmpty
            ? throw new FlagException($"{Label(flag)} needs a value.")
            : value;
    }

    /// <summary>The value of a flag that has a default.</summary>
    public string Text(Flag flag) => OptionalText(flag)!;

    /// <summary>True or false, in the words that Go accepts.</summary>
    public bool Switch(Flag flag) => Text(flag) switch
    {
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => throw Wrong(flag, "true or false"),
    };

    /// <summary>One of some words, as the value that it stands for.</summary>
    /// <exception cref="FlagException">The value is another word.</exception>
    public T OneOf<T>(Flag flag, params (string Word, T Value)[] choices)
    {
        string text = Text(flag);
        foreach ((string word, T value) in choices)
        {
            if (word == text)
            {
                return value;
            }
        }

        string allButLast = string.Join(", ", choices[..^1].Select(choice => choice.Word));
        throw Wrong(flag, allButLast.Length > 0 ? $"{allButLast} or {choices[^1].Word}" : choices[^1].Word);
    }

    /// <summary>The items of a comma-separated list, trimmed, empty ones left out. The flag has a default or is given.</summary>
    public string[] List(Flag flag) => ItemsOf(Text(flag));

    /// <inheritdoc cref="List"/>
    public static string[] ItemsOf(string list) => list.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    /// <summary>A whole number.</summary>
    /// <exception cref="FlagException">The value is not a number, or out of range.</exception>
    public int Number(Flag flag, int least, int most) => (int)LongNumber(flag, least, most);

    /// <inheritdoc cref="Number"/>
    public long LongNumber(Flag flag, long least, long most)
    {
        string text = Text(flag);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number) && number >= least
            && number <= most
            ? number
            : throw Wrong(flag, $"a whole number from {least} to {most}");
    }

    /// <summary>A non-negative duration in Go's form; in the file also a number of nanoseconds, as in etcd.</summary>
    public TimeSpan Duration(Flag flag)
    {
        string text = Text(flag);
        TimeSpan? duration = _given.TryGetValue(flag.Name, out Given? given) && given.IsFromFile
            && long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out long nanoseconds)
                ? TimeSpan.FromTicks((nanoseconds / NanosecondsPerTick) + Math.Sign(nanoseconds % NanosecondsPerTick)) // rounded up
                : Durations.Parse(text);
        return duration ?? throw Wrong(flag, "a duration such as 10ms, 72h or 30d");
    }

    /// <summary>The error for a wrong value.</summary>
    /// <param name="flag">The flag.</param>
    /// <param name="what">What the value must be.</param>
    /// <param name="part">The wrong part of the value; null: all of it.</param>
    public FlagException Wrong(Flag flag, string what, string? part = null) =>
        new($"{Label(flag)} must be {what}, not \"{Shown(part ?? Text(flag))}\".");

    /// <inheritdoc cref="Printable.Given"/>
    public static string Shown(string text) => Printable.Given(text);

    private static Given? FromCommand(
        Flag flag, string name, IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment)
    {
        string variable = flag.VariableOf(name);
        string? set = environment.GetValueOrDefault(variable) is { Length: > 0 } value ? value : null;
        if (typed.GetValueOrDefault(name) is { } text)
        {
            return set is null || flag.IsOurs
                ? new Given(text, "--" + name, IsFromFile: false)
                : throw new FlagException($"--{name} and {variable} are both set: unset the environment variable or leave out the flag.");
        }

        return set is null ? null : new Given(set, variable, IsFromFile: false);
    }

    private sealed record Given(string Value, string Label, bool IsFromFile);
}
