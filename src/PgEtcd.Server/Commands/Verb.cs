namespace PgEtcd.Server.Commands;

/// <summary>Something that the binary does instead of serving: its first argument.</summary>
/// <param name="Name">As it is typed.</param>
/// <param name="Argument">What must follow it, for the help: FILE.</param>
/// <param name="Help">One line.</param>
/// <param name="RunAsync">Does it; a <see cref="CommandException"/> says why not.</param>
internal sealed record Verb(string Name, string Argument, string Help, Func<VerbArguments, CancellationToken, Task> RunAsync)
{
    /// <summary>The verb's own flags, which take no value, and what they mean.</summary>
    public IReadOnlyDictionary<string, string> Switches { get; init; } = new Dictionary<string, string>();

    /// <summary>What <c>--help</c> after the verb prints.</summary>
    public string HelpText => string.Join(
        Environment.NewLine,
        [
            $"Usage: pgetcd {Name} {Argument} [flags]", "", Help, "",
            .. Switches.Select(one => $"  {one.Key,-18} {one.Value}"),
            "  --database, --schema, --data-dir and the like are those of the server: see pgetcd --help.",
        ]);
}
