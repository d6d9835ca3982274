using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The source below src/ of a checkout, as text: projects, their folders, and what one says of another.</summary>
internal sealed partial class SourceTree
{
    private static readonly string[] Made = ["bin", "obj"];

    private readonly string _src;

    public SourceTree(string root)
    {
        _src = Path.Combine(root, "src");
        Projects = [.. Directory.EnumerateDirectories(_src).Select(path => Path.GetFileName(path)!).Order(StringComparer.Ordinal)];
        Files =
        [
            .. Directory.EnumerateFiles(_src, "*.cs", SearchOption.AllDirectories)
                .Select(path => Path.GetRelativePath(_src, path))
                .Where(path => !path.Split('/').Any(Made.Contains))
                .Order(StringComparer.Ordinal)
                .Select(path => new SourceFile(path, File.ReadAllText(Path.Combine(_src, path)))),
        ];
    }

    public IReadOnlyList<string> Projects { get; }

    public IReadOnlyList<SourceFile> Files { get; }

    /// <summary>The projects that a project's file refers to.</summary>
    public IReadOnlyList<string> ReferencesOf(string project) =>
        [.. Items(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    /// <summary>The namespaces that a project's file opens for all of its files.</summary>
    public IEnumerable<string> UsingsOf(string project) => Items(project, "Using");

    /// <summary>The folders of a project that depend on one another, as "Folder -> Folder: file" for each arrow; the root of the
    /// project is ".".</summary>
    public IReadOnlyList<FolderArrow> ArrowsIn(string project)
    {
        List<SourceFile> files = [.. Files.Where(file => file.Project == project && !IsExempt(file))];
        Dictionary<string, HashSet<string>> types = files.GroupBy(file => file.Folder)
            .ToDictionary(folder => folder.Key, folder => folder.SelectMany(file => file.Types).ToHashSet(StringComparer.Ordinal));
        return [.. files.SelectMany(file => types.Keys.Where(folder => folder != file.Folder && Names(file, folder, types[folder]))
            .Select(folder => new FolderArrow(file.Folder, folder, file.Path)))];
    }

    /// <summary>Log.cs and the class of the meter stand in the root of a project. All folders write to them, and the meter in turn
    /// names the classes of instruments, so that all of them exist when the first scrape comes: neither says which folder is
    /// above.</summary>
    private static bool IsExempt(SourceFile file) =>
        file.Folder == "." && (file.Name == "Log.cs" || file.Name.EndsWith("Meter.cs", StringComparison.Ordinal));

    /// <summary>By a using of the folder's namespace, by a type with a part of the namespace before it, or, where the namespace is
    /// open because it is around the file's own, by a type alone.</summary>
    private static bool Names(SourceFile file, string folder, HashSet<string> types)
    {
        string inner = folder == "." ? file.Project : $"{file.Project}.{folder.Replace('/', '.')}";
        bool isAround = folder == "." || file.Folder.StartsWith(folder + "/", StringComparison.Ordinal);
        return file.Usings.Contains(inner)
            || (isAround && file.Words.Overlaps(types))
            || (folder != "." && file.QualifiedNames.Any(name => IsIn(name, folder.Replace('/', '.'), types)));
    }

    private static bool IsIn(string qualifiedName, string folder, HashSet<string> types)
    {
        string[] parts = qualifiedName.Split('.');
        return Enumerable.Range(1, parts.Length - 1).Any(at =>
        {
            string before = string.Join('.', parts[..at]);
            return types.Contains(parts[at]) && (before == folder || before.EndsWith("." + folder, StringComparison.Ordinal));
        });
    }

    private IEnumerable<string> Items(string project, string kind) =>
        XDocument.Load(Path.Combine(_src, project, project + ".csproj")).Descendants(kind).Select(item => item.Attribute("Include")!.Value);

    /// <summary>A file of source.</summary>
    /// <param name="Path">Below src/.</param>
    /// <param name="Text">What it says.</param>
    internal sealed partial record SourceFile(string Path, string Text)
    {
        private readonly string _code = Comment().Replace(Literal().Replace(Text, "\"\""), "");

        public string Project => Path.Split('/')[0];

        public string Name => System.IO.Path.GetFileName(Path);

        /// <summary>In its project; "." is the root.</summary>
        public string Folder => Path.Split('/')[1..^1] is [_, ..] folders ? string.Join('/', folders) : ".";

        public int Lines => Text.AsSpan().TrimEnd('\n').Count('\n') + 1;

        /// <summary>Lines with something on them.</summary>
        public int WrittenLines => Text.Split('\n').Count(line => !string.IsNullOrWhiteSpace(line));

        public string? Namespace => NamespaceLine().Match(_code) is { Success: true } line ? line.Groups["name"].Value : null;

        public HashSet<string> Usings => [.. UsingLine().Matches(_code).Select(line => line.Groups["name"].Value)];

        public bool HasGlobalUsing => _code.Contains("global using", StringComparison.Ordinal);

        public HashSet<string> Words => [.. Word().Matches(_code).Select(word => word.Value)];

        public IEnumerable<string> QualifiedNames =>
            QualifiedName().Matches(UsingLine().Replace(NamespaceLine().Replace(_code, ""), "")).Select(name => name.Value);

        /// <summary>The types that it declares, but for those within others.</summary>
        public IEnumerable<string> Types => Declaration().Matches(_code).Select(type => type.Groups["name"].Value);

        [GeneratedRegex("""(?<!')"([^"\\\n]|\\.)*"(?!')""")]
        private static partial Regex Literal();

        [GeneratedRegex(@"//[^\n]*")]
        private static partial Regex Comment();

        [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
        private static partial Regex NamespaceLine();

        [GeneratedRegex(@"^using (static )?(\w+ = )?(?<name>[\w.]+)[^\n(]*;", RegexOptions.Multiline)]
        private static partial Regex UsingLine();

        /// <summary>Names that may be a type's: neither a member of something nor a method.</summary>
        [GeneratedRegex(@"(?<=\bnew )[A-Za-z_]\w*\b|(?<![\w.])[A-Za-z_]\w*\b(?!\()")]
        private static partial Regex Word();

        [GeneratedRegex(@"(?<![\w.])[A-Z]\w*(\.[A-Z]\w*)+")]
        private static partial Regex QualifiedName();

        [GeneratedRegex(
            @"^((public|internal|private|protected|static|sealed|abstract|readonly|partial|file|ref) )*"
            + @"(class|struct|interface|enum|record( struct| class)?|delegate [\w<>\[\]?.]+) (?<name>\w+)",
            RegexOptions.Multiline)]
        private static partial Regex Declaration();
    }

    /// <summary>A folder uses another.</summary>
    /// <param name="From">The one that uses.</param>
    /// <param name="To">The one that is used.</param>
    /// <param name="File">Where.</param>
    internal sealed record FolderArrow(string From, string To, string File)
    {
        public override string ToString() => $"{From} -> {To} in {File}";
    }
}
