namespace PgEtcd.Protocol.Tests;

/// <summary>The tables of facts beside the tests: one fact per line, <c>#</c> starts a comment.</summary>
internal static class FactTable
{
    public static IReadOnlyList<string> Read(string name)
    {
        using Stream stream = typeof(FactTable).Assembly.GetManifestResourceStream(name)
            ?? throw new FileNotFoundException($"There is no embedded table {name}.");
        using StreamReader reader = new(stream);
        return reader.ReadToEnd()
            .Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Where(line => !line.StartsWith('#'))
            .ToList();
    }
}
