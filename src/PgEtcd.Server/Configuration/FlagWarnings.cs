namespace PgEtcd.Server.Configuration;

/// <summary>Warnings about flags without effect, a sentence for each reason. They hold names and no values.</summary>
internal static class FlagWarnings
{
    public static IEnumerable<string> For(
        FlagValues values, IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment, ConfigFile? file)
    {
        string[] ignored = [.. Flags.All.Where(flag => flag.Group == FlagGroup.Ignored && values.IsGiven(flag)).Select(values.Label)];
        if (ignored.Length > 0)
        {
            yield return $"Accepted for compatibility with etcd, without effect here: {string.Join(", ", ignored)}.";
        }

        HashSet<string> known = [.. Flags.All.SelectMany(flag => flag.Names.Select(flag.VariableOf))];
        string[] unknown = [.. environment.Keys.Where(IsMeantForUs).Where(name => !known.Contains(name)).Order()];
        if (unknown.Length > 0)
        {
            yield return $"Unknown environment variables without effect: {string.Join(", ", unknown)}.";
        }

        string[] overruled = file is null
            ? []
            : [.. Flags.All.Where(flag => !flag.IsOurs && flag != Flags.ConfigFile).SelectMany(
                flag => flag.Names.SelectMany(name => Given(flag, name, typed, environment)))];
        if (overruled.Length > 0)
        {
            yield return $"Without effect because {FlagValues.Shown(file!.Path)} is the configuration: {string.Join(", ", overruled)}.";
        }
    }

    private static bool IsMeantForUs(string name) =>
        name.StartsWith("ETCD_", StringComparison.Ordinal) || name.StartsWith("PGETCD_", StringComparison.Ordinal);

    private static IEnumerable<string> Given(
        Flag flag, string name, IReadOnlyDictionary<string, string> typed, IReadOnlyDictionary<string, string> environment)
    {
        if (typed.ContainsKey(name))
        {
            yield return "--" + name;
        }

        if (environment.GetValueOrDefault(flag.VariableOf(name)) is { Length: > 0 })
        {
            yield return flag.VariableOf(name);
        }
    }
}
