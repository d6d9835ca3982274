using System.Text.RegularExpressions;
using PgEtcd.Server.Configuration;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Documentation;

/// <summary>The targets of links and citations in Markdown pages and comments exist.</summary>
public sealed partial class PagesTests
{
    private const int MaxColumns = 140;

    /// <summary>The sections of a citation: §7, §2.6, §1, §3 or §2–§7.</summary>
    private const string Sections = @"(?<sections>§\d+(\.\d+)?((, |–| and )§\d+(\.\d+)?)*)";

    /// <summary>The folders whose comments cite pages.</summary>
    private static readonly string[] Sources = ["src", "tests", "bench", "migrations", "deploy", "docs", "scripts", ".ci"];

    private static readonly string[] SourceEndings = [".cs", ".sql", ".md", ".sh", ".cfg", ".service", ".env", ".yaml", ".proto"];

    /// <summary>Folders that are built, restored or written by tools.</summary>
    private static readonly string[] Made = ["bin", "obj", "out", "artifacts", "node_modules", ".git", ".vs"];

    private static readonly Lazy<string[]> All = new(() => [.. Walk(Repository.Root).Order(StringComparer.Ordinal)]);

    private static readonly Lazy<Dictionary<string, CitedPage>> Cited = new(() => new(StringComparer.Ordinal)
    {
        ["semantics.md"] = Read("docs/etcd/semantics.md"),
        ["errors.md"] = Read("docs/etcd/errors.md"),
        ["wire.md"] = Read("docs/etcd/wire.md"),
        ["flags.md"] = Read("docs/etcd/flags.md"),
        ["clients.md"] = Read("docs/etcd/clients.md"),
        ["snapshot-format.md"] = Read("docs/etcd/snapshot-format.md"),
        ["past-bugs.md"] = Read("docs/etcd/past-bugs.md"),
        ["postgres.md"] = Read("docs/postgres.md"),
        ["log.md"] = Read("docs/log.md"),
        ["design"] = Read("docs/design.md"),
    });

    private static IEnumerable<string> Pages => All.Value.Where(path => path.EndsWith(".md", StringComparison.Ordinal));

    [Fact]
    public void Every_relative_link_leads_somewhere()
    {
        List<string> broken = [];
        foreach (string page in Pages)
        {
            foreach (Match link in Link().Matches(InlineCode().Replace(WithoutBlocks(Text(page)), "")))
            {
                string target = link.Groups["target"].Value;
                if (!target.Contains("://", StringComparison.Ordinal) && !LeadsSomewhere(page, target))
                {
                    broken.Add($"{page}: {target}");
                }
            }
        }

        broken.ShouldBeEmpty();
    }

    [Fact]
    public void Every_path_in_backticks_exists()
    {
        List<string> missing = [];
        foreach (string page in Pages)
        {
            bool isAboutOthers = page is "docs/postgres.md" || page.StartsWith("docs/etcd/", StringComparison.Ordinal);
            foreach (Match code in InlineCode().Matches(WithoutBlocks(Text(page))))
            {
                string path = code.Groups["code"].Value.Split(' ')[0].TrimEnd('/', '.', ',');
                bool isOurs = !isAboutOthers || path.Contains("PgEtcd.", StringComparison.Ordinal);
                if (isOurs && (RepositoryPath().IsMatch(path) || SourceFile().IsMatch(path)) && !Exists(path))
                {
                    missing.Add($"{page}: {path}");
                }
            }
        }

        missing.ShouldBeEmpty();
    }

    [Fact]
    public void Every_citation_names_a_page_and_a_section_of_it()
    {
        List<string> wrong = [];
        int found = 0;
        foreach (string path in All.Value.Where(IsSource))
        {
            string text = Text(path);
            foreach (Match citation in PageCitation().Matches(text).Concat(DesignCitation().Matches(text)))
            {
                found++;
                string name = citation.Groups["page"].Success ? citation.Groups["page"].Value : "design";
                wrong.AddRange(Section().Matches(citation.Groups["sections"].Value)
                    .Select(section => section.Groups[1].Value)
                    .Where(section => !Cited.Value[name].Has(section))
                    .Select(section => $"{path}: {name} §{section}"));
            }

            foreach (Match decision in DecisionCitation().Matches(text))
            {
                found++;
                wrong.AddRange(Number().Matches(decision.Value)
                    .Where(number => !HasDecision(number.Value))
                    .Select(number => $"{path}: decision {number.Value}"));
            }

            wrong.AddRange(DocsPage().Matches(text)
                .Where(page => !Exists(page.Value))
                .Select(page => $"{path}: {page.Value}"));
        }

        wrong.ShouldBeEmpty();
        found.ShouldBeGreaterThan(100, "citations are recognised");
    }

    [Fact]
    public void The_map_shows_every_project_and_every_folder_in_it()
    {
        string map = Text("CONTRIBUTING.md").Split("```")[1];
        All.Value.Where(path => path.StartsWith("src/", StringComparison.Ordinal) && path.EndsWith(".cs", StringComparison.Ordinal))
            .SelectMany(path => path.Split('/')[1..^1].Select((folder, depth) => depth == 0 ? $"  {folder} " : $" {folder}/"))
            .Distinct()
            .Where(folder => !map.Contains(folder, StringComparison.Ordinal))
            .ShouldBeEmpty();
    }

    [Fact]
    public void Every_decision_has_a_status_and_is_in_the_index()
    {
        string index = Text("docs/README.md");
        foreach (string page in Pages.Where(page => page.StartsWith("docs/decisions/", StringComparison.Ordinal)))
        {
            Text(page).Split('\n')[2].ShouldMatch(@"^Status: (Accepted|Superseded by .+), \d{4}-\d{2}-\d{2}", page);
            index.ShouldContain(page["docs/".Length..]);
        }
    }

    [Fact]
    public void The_tests_that_hold_the_invariants_of_the_log_exist()
    {
        List<Match> named = TestName().Matches(Text("docs/log.md")).ToList();
        named.Count.ShouldBeGreaterThan(20);
        named.Where(test => !All.Value.Any(path =>
                path.EndsWith($"/{test.Groups["class"].Value}.cs", StringComparison.Ordinal)
                && Text(path).Contains($" {test.Groups["method"].Value}(", StringComparison.Ordinal)))
            .Select(test => test.Value)
            .ShouldBeEmpty();
    }

    /// <summary>These flags follow other rules than etcd's, so the page names them.</summary>
    [Fact]
    public void The_page_about_flags_names_PgEtcds_own_flags()
    {
        string header = Text("docs/configuration.md").Split('\n')
            .First(line => line.StartsWith('|') && line.Contains("PgEtcd's own", StringComparison.Ordinal));
        InlineCode().Matches(header).Select(code => code.Groups["code"].Value)
            .ShouldBe(Flags.All.Where(flag => flag.IsOurs).Select(flag => flag.Name), ignoreOrder: true);
    }

    /// <summary>Tables, blocks of code and the targets of links may be longer.</summary>
    [Fact]
    public void No_line_is_too_long() => Pages
        .SelectMany(page => WithoutBlocks(Text(page)).Split('\n').Select((line, at) => (page, line, at)))
        .Where(line => !line.line.StartsWith('|') && LinkTarget().Replace(line.line, "").Length > MaxColumns)
        .Select(line => $"{line.page}:{line.at + 1}")
        .ShouldBeEmpty();

    private static IEnumerable<string> Walk(string directory) => Directory.EnumerateDirectories(directory)
        .Where(inner => !Made.Contains(Path.GetFileName(inner)))
        .SelectMany(Walk)
        .Concat(Directory.EnumerateFiles(directory).Select(path => Path.GetRelativePath(Repository.Root, path)));

    private static string Text(string path) => File.ReadAllText(Path.Combine(Repository.Root, path));

    private static bool IsSource(string path) =>
        !path.Contains('/', StringComparison.Ordinal)
        || (Sources.Contains(path.Split('/')[0]) && SourceEndings.Any(ending => path.EndsWith(ending, StringComparison.Ordinal)));

    private static bool LeadsSomewhere(string page, string target)
    {
        string[] parts = target.Split('#', 2);
        string path = parts[0].Length == 0
            ? page
            : Path.GetRelativePath(Repository.Root, Path.Combine(Repository.Root, Path.GetDirectoryName(page)!, parts[0]));
        return Exists(path) && (parts.Length == 1 || Headings(Text(path)).Select(Anchor).Contains(parts[1]));
    }

    /// <summary>A path from the root, or the name of a file in any folder; * and NNNN stand for anything.</summary>
    private static bool Exists(string path)
    {
        if (Made.Any(made => path.Split('/').Contains(made)) || Directory.Exists(Path.Combine(Repository.Root, path)))
        {
            return true;
        }

        string pattern = Regex.Escape(path)
            .Replace("\\*", "[^/]*", StringComparison.Ordinal)
            .Replace("NNNN", "[0-9]{4}", StringComparison.Ordinal);
        Regex wanted = new(path.Contains('/', StringComparison.Ordinal) ? $"^{pattern}$" : $"(^|/){pattern}$");
        return All.Value.Any(wanted.IsMatch);
    }

    private static bool HasDecision(string number) =>
        Pages.Any(page => page.StartsWith($"docs/decisions/{number.PadLeft(4, '0')}-", StringComparison.Ordinal));

    private static CitedPage Read(string path) => new(Text(path));

    private static IEnumerable<string> Headings(string page) =>
        Heading().Matches(WithoutBlocks(page)).Select(heading => heading.Groups["title"].Value);

    /// <summary>The anchor that GitHub makes of a heading.</summary>
    private static string Anchor(string heading) => new([.. heading.ToLowerInvariant()
        .Where(character => char.IsLetterOrDigit(character) || character is ' ' or '-' or '_')
        .Select(character => character == ' ' ? '-' : character)]);

    /// <summary>Empties the lines in blocks of code, so that line numbers stay.</summary>
    private static string WithoutBlocks(string page)
    {
        bool isCode = false;
        return string.Join('\n', page.Split('\n').Select(line =>
        {
            bool isFence = line.TrimStart().StartsWith("```", StringComparison.Ordinal);
            isCode ^= isFence;
            return isCode || isFence || line.StartsWith("    ", StringComparison.Ordinal) ? "" : line;
        }));
    }

    [GeneratedRegex(@"\[[^\]]*\]\((?<target>[^)\s]+)\)")]
    private static partial Regex Link();

    [GeneratedRegex(@"\]\([^)]*\)")]
    private static partial Regex LinkTarget();

    [GeneratedRegex(@"`(?<code>[^`\n]+)`")]
    private static partial Regex InlineCode();

    [GeneratedRegex(@"^(src|tests|bench|migrations|protos|deploy|docs|scripts|\.ci)/[\w.*/-]+$")]
    private static partial Regex RepositoryPath();

    [GeneratedRegex(@"^[\w./*-]+\.(cs|sql)$")]
    private static partial Regex SourceFile();

    [GeneratedRegex(
        @"(?<![\w-])(?<page>(semantics|errors|wire|flags|clients|snapshot-format|past-bugs|postgres|log)\.md)\)?"
        + "(,? " + Sections + ")?")]
    private static partial Regex PageCitation();

    [GeneratedRegex(@"\b[Dd]esign " + Sections)]
    private static partial Regex DesignCitation();

    [GeneratedRegex(@"§(\d+(?:\.\d+)?)")]
    private static partial Regex Section();

    [GeneratedRegex(@"\b[Dd]ecisions? \d+(( and |, )\d+\b)*|docs/decisions/\d{4}")]
    private static partial Regex DecisionCitation();

    [GeneratedRegex(@"\d+")]
    private static partial Regex Number();

    [GeneratedRegex(@"(?<![\w/.])docs/[\w/-]+\.md")]
    private static partial Regex DocsPage();

    [GeneratedRegex(@"^#+ (?<title>.+)$", RegexOptions.Multiline)]
    private static partial Regex Heading();

    [GeneratedRegex(@"`(?<class>\w+Tests)\.(?<method>\w+)`")]
    private static partial Regex TestName();

    /// <summary>A page whose sections are cited by number: "## 7. Watch", "### 10.1 HashKV"; 2.3 may also be the third item or row of
    /// section 2.</summary>
    private sealed partial class CitedPage
    {
        private readonly HashSet<string> _sections = new(StringComparer.Ordinal);

        public CitedPage(string text)
        {
            string section = "";
            foreach (string line in text.Split('\n'))
            {
                if (NumberedHeading().Match(line) is { Success: true } heading)
                {
                    section = heading.Groups["number"].Value;
                    _sections.Add(section);
                }
                else if (NumberedItem().Match(line) is { Success: true } item)
                {
                    _sections.Add($"{section}.{item.Groups["number"].Value}");
                }
            }
        }

        public bool Has(string section) => _sections.Contains(section);

        [GeneratedRegex(@"^#{2,3} (?<number>\d+(\.\d+)?)\.? ")]
        private static partial Regex NumberedHeading();

        [GeneratedRegex(@"^(\| )?(?<number>\d+)(\.| \|) ")]
        private static partial Regex NumberedItem();
    }
}
