using System.Text.Json;
using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>Runs pgetcd as a command on a database.</summary>
internal sealed class Verb(string database, string schema = "pgetcd")
{
    public Task<CommandResult> RunAsync(params string[] words) =>
        SnapshotTools.PgEtcdAsync([.. words, "--database", database, "--schema", schema]);

    /// <summary>The output of a command that must succeed.</summary>
    public async Task<string> TextAsync(params string[] words)
    {
        CommandResult result = await RunAsync(words);
        result.ExitCode.ShouldBe(0, result.Error + result.Output);
        result.Error.ShouldBeEmpty();
        return result.Output;
    }

    /// <summary>The lines of output with --output json, each of which must be an object, of a command that must succeed.</summary>
    public async Task<List<JsonElement>> JsonAsync(params string[] words) =>
        [.. (await TextAsync([.. words, "--output", "json"])).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(
            line => JsonElement.Parse(line))];

    /// <summary>Some values of each line, separated by blanks.</summary>
    public async Task<string[]> JsonAsync(string[] words, params string[] names) =>
        [.. (await JsonAsync(words)).Select(line => string.Join(' ', names.Select(name => line.GetProperty(name).ToString())))];

    /// <summary>The single sentence with which a command refuses.</summary>
    public Task<string> RefusalAsync(params string[] words) =>
        Refusal.OfAsync([.. words, "--database", database, "--schema", schema]);
}
