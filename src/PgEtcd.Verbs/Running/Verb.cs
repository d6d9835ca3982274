namespace PgEtcd.Verbs.Running;

/// <summary>Something that the binary does instead of serving: its first argument.</summary>
/// <param name="Name">As it is typed.</param>
/// <param name="Argument">What must follow it, for the help: "FROM TO"; "[KEY]" may follow; empty: nothing.</param>
/// <param name="Help">One line.</param>
/// <param name="RunAsync">Does it and gives the exit code; a <see cref="CommandException"/> says why not.</param>
public sealed record Verb(string Name, string Argument, string Help, Func<VerbArguments, CancellationToken, Task<int>> RunAsync)
{
    /// <summary>The verb's own flags, which take no value, and what they mean.</summary>
    public IReadOnlyDictionary<string, string> Switches { get; init; } = new Dictionary<string, string>();

    /// <summary>The verb's own flags that take a value, what stands for that in the help, and what they mean.</summary>
    public IReadOnlyDictionary<string, (string Value, string Help)> Values { get; init; } = new Dictionary<string, (string, string)>();

    /// <summary>More lines for the help.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The exit code when it could not be done.</summary>
    public int FailureCode { get; init; } = 1;

    /// <summary>How many arguments there may be at most.</summary>
    public int MostArguments => Argument.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>How many there must be.</summary>
    public int LeastArguments => Argument.Split(' ', StringSplitOptions.RemoveEmptyEntries).Count(word => word[0] != '[');

    /// <summary>What <c>--help</c> after the verb prints.</summary>
    public string HelpText => string.Join(
        Environment.NewLine,
        [
            $"Usage: pgetcd {Name} {Argument}{(Argument.Length > 0 ? " " : "")}[flags]", "", Help, "",
            .. Values.Select(one => $"  {$"{one.Key} {one.Value.Value}",-18} {one.Value.Help}"),
            .. Switches.Select(one => $"  {one.Key,-18} {one.Value}"),
            .. Notes.Select(note => "  " + note),
            "  --database, --schema, --data-dir and the like are those of the server: see pgetcd --help.",
        ]);
}
