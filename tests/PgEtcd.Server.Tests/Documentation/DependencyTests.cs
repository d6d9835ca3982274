using System.Text.RegularExpressions;
using System.Xml.Linq;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Documentation;

/// <summary>docs/dependencies.md, compared with the packages and the source.</summary>
public sealed partial class DependencyTests
{
    private static readonly string[] Folders = ["src", "tests", "bench"];

    private static readonly string[] Page = File.ReadAllText(Path.Combine(Repository.Root, "docs", "dependencies.md")).Split("\n## ");

    private static readonly string[] Versions =
        [.. XDocument.Load(Path.Combine(Repository.Root, "Directory.Packages.props")).Descendants("PackageVersion").Select(Included)];

    [Fact]
    public void The_table_has_exactly_the_packages_in_use() =>
        Rows("Packages").Select(cells => Name().Match(cells[0]).Groups[1].Value).ShouldBe(Versions, ignoreOrder: true);

    [Fact]
    public void Every_package_has_a_purpose_a_licence_and_a_reason() =>
        Rows("Packages").Where(cells => cells.Length != 4 || cells.Any(cell => cell.Length == 0)).ShouldBeEmpty();

    [Fact]
    public void Every_package_is_referenced_by_a_project() => Versions.Except(
        Sources("*.csproj").SelectMany(path => XDocument.Load(path).Descendants("PackageReference")).Select(Included)).ShouldBeEmpty();

    [Fact]
    public void The_listed_handwritten_code_exists()
    {
        string[] known = [.. Sources("*.cs").SelectMany(
            path => new[] { Path.GetFileNameWithoutExtension(path), Path.GetFileName(Path.GetDirectoryName(path)!) })];
        List<string[]> rows = Rows("Written by hand");

        rows.ShouldNotBeEmpty();
        rows.SelectMany(cells => Name().Matches(cells[1])).Select(match => match.Groups[1].Value).Except(known).ShouldBeEmpty();
    }

    private static string Included(XElement element) => element.Attribute("Include")!.Value;

    /// <summary>The rows of a section's tables, without headings.</summary>
    private static List<string[]> Rows(string section)
    {
        string text = Page.Single(part => part.StartsWith(section + "\n", StringComparison.Ordinal)).Split("\n### ")[0];
        return [.. text.Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal) && line.Contains('`'))
            .Select(line => line.Trim('|').Split('|', StringSplitOptions.TrimEntries))];
    }

    private static IEnumerable<string> Sources(string pattern) => Folders
        .SelectMany(folder => Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), pattern, SearchOption.AllDirectories))
        .Where(path => !path.Split('/').Any(part => part is "bin" or "obj"));

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Name();
}
