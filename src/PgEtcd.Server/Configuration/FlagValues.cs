using System.Globalization;

namespace PgEtcd.Server.Configuration;

/// <summary>The value of each flag from the command line, the environment or its default, and where it came from.</summary>
internal sealed class FlagValues
{
    private readonly Dictionary<string, string> _given;
    private readonly IReadOnlyDictionary<string, string> _environment;

    /// <param name="given">Flag name to value, as typed.</param>
    /// <param name="environment">The environment. An empty variable counts as unset, as in etcd.</param>
    /// <exception cref="FlagException">One of etcd's flags is given twice over: typed and by its variable.</exception>
    public FlagValues(Dictionary<string, string> given, IReadOnlyDictionary<string, string> environment)
    {
        _given = given;
        _environment = environment;
        foreach (var flag in Flags.All)
        {
            if (!flag.IsOurs && _given.ContainsKey(flag.Name) && FromEnvironment(flag) is not null)
            {
                throw new FlagException(
                    $"--{flag.Name} and {flag.Variable} are both set: unset the environment variable or leave out the flag.");
            }
        }
    }

    /// <summary>True when the flag was typed or its variable is set.</summary>
    public bool IsGiven(Flag flag) => _given.ContainsKey(flag.Name) || FromEnvironment(flag) is not null;

    /// <summary>How to name the flag in a message: the way in which it was given.</summary>
    public string Label(Flag flag) =>
        _given.ContainsKey(flag.Name) || FromEnvironment(flag) is null ? "--" + flag.Name : flag.Variable;

    /// <summary>The value, or null when it was not given and has no fixed default.</summary>
    /// <exception cref="FlagException">It is empty.</exception>
    public string? OptionalText(Flag flag)
    {
        var value = _given.GetValueOrDefault(flag.Name) ?? FromEnvironment(flag) ?? flag.Default;
        return value is { Length: 0 } ? throw new FlagException($"--{flag.Name} needs a value.") : value;
    }

    /// <summary>The value of a flag that has a default.</summary>
    public string Text(Flag flag) => OptionalText(flag)!;

    /// <summary>A whole number.</summary>
    /// <exception cref="FlagException">It is none, or out of range.</exception>
    public int Number(Flag flag, int least, int most)
    {
        var text = Text(flag);
        return int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number
            : throw new FlagException($"{Label(flag)} must be a whole number from {least} to {most}, not \"{Shown(text)}\".");
    }

    /// <summary>A whole number of any size.</summary>
    /// <exception cref="FlagException">It is none.</exception>
    public long LongNumber(Flag flag)
    {
        string text = Text(flag);
        return long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out long number)
            ? number
            : throw new FlagException($"{Label(flag)} must be a whole number, not \"{Shown(text)}\".");
    }

    /// <summary>A value that a person typed, made fit for one line.</summary>
    public static string Shown(string text)
    {
        var oneLine = string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
        return oneLine.Length <= 80 ? oneLine : string.Concat(oneLine.AsSpan(0, 77), "...");
    }

    /// <summary>A duration that is not negative, as Go writes them.</summary>
    public TimeSpan Duration(Flag flag)
    {
        string text = Text(flag);
        return Durations.Parse(text)
            ?? throw new FlagException($"{Label(flag)} must be a duration such as 10ms, 72h or 30d, not \"{Shown(text)}\".");
    }

    /// <summary>Of a flag and its older name the one that is given.</summary>
    public Flag Either(Flag flag, Flag older) =>
        !IsGiven(older) ? flag
        : !IsGiven(flag) ? older
        : throw new FlagException($"{Label(flag)} and {Label(older)} are the same flag: give one.");

    private string? FromEnvironment(Flag flag) =>
        _environment.GetValueOrDefault(flag.Variable) is { Length: > 0 } value ? value : null;
}
