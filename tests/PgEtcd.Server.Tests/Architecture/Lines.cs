using System.Globalization;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The width of lines of handwritten source.</summary>
internal static class Lines
{
    public const int MostOfALine = 140;

    private static readonly string[] Folders = ["src", "tests", "migrations", "bench", "scripts", "deploy"];
    private static readonly string[] Kinds = [".cs", ".sql", ".sh"];
    private static readonly string[] Made = ["bin", "obj"];

    /// <summary>A sentence for each line that is too long.</summary>
    /// <param name="root">The checkout; missing folders are skipped.</param>
    public static IEnumerable<string> TooLong(string root) => Folders
        .Select(folder => Path.Combine(root, folder))
        .Where(Directory.Exists)
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories))
        .Where(path => Kinds.Contains(Path.GetExtension(path)))
        .Select(path => Path.GetRelativePath(root, path))
        .Where(path => !path.Split('/').Any(Made.Contains))
        .Order(StringComparer.Ordinal)
        .SelectMany(path => File.ReadLines(Path.Combine(root, path)).Index()
            .Where(line => line.Item.Length > MostOfALine)
            .Select(line => string.Create(
                CultureInfo.InvariantCulture,
                $"{path}:{line.Index + 1} has {line.Item.Length} columns, more than {MostOfALine}.")));
}
