namespace PgEtcd.Verbs.Running;

/// <summary>A task that the binary does instead of serving, named by its first argument.</summary>
/// <param name="Name">The name as it is typed.</param>
/// <param name="Argument">The arguments in the help: "FROM TO"; an optional one is "[KEY]"; empty: none.</param>
/// <param name="Help">One line.</param>
/// <param name="RunAsync">Runs the verb and returns the exit code; a <see cref="CommandException"/> has the reason of a failure.</param>
public sealed record Verb(string Name, string Argument, string Help, Func<VerbArguments, CancellationToken, Task<int>> RunAsync)
{
    /// <summary>The verb's own flags.</summary>
    public IReadOnlyList<VerbFlag> Flags { get; init; } = [];

    /// <summary>More lines for the help.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];

    /// <summary>The exit code of a failure.</summary>
    public int FailureCode { get; init; } = 1;

    /// <summary>Most arguments.</summary>
    public int MostArguments => Argument.Split(' ', StringSplitOptions.RemoveEmptyEntries).Length;

    /// <summary>Fewest arguments.</summary>
    public int LeastArguments => Argument.Split(' ', StringSplitOptions.RemoveEmptyEntries).Count(word => word[0] != '[');

    /// <summary>The text of <c>--help</c> after the verb.</summary>
    public string HelpText => string.Join(
        Environment.NewLine,
        [
            $"Usage: pgetcd {Name} {Argument}{(Argument.Length > 0 ? " " : "")}[flags]", "", Help, "",
            .. Flags.Select(flag => $"  {(flag.Value is null ? flag.Name : $"{flag.Name} {flag.Value}"),-18} {flag.Help}"),
            .. Notes.Select(note => "  " + note),
            "  --database, --schema, --data-dir and the like are those of the server: see pgetcd --help.",
        ]);
}

/// <summary>A flag of a verb.</summary>
/// <param name="Name">With its dashes.</param>
/// <param name="Value">The placeholder of its value in the help; null: it has no value.</param>
/// <param name="Help">One line.</param>
public sealed record VerbFlag(string Name, string? Value, string Help);
