using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The source below src/ of a checkout, as text: projects, folders, and their references to each other.</summary>
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

    /// <summary>The references in a project's file.</summary>
    public IReadOnlyList<string> ReferencesOf(string project) =>
        [.. Items(project, "ProjectReference").Select(path => Path.GetFileNameWithoutExtension(path)).Order(StringComparer.Ordinal)];

    /// <summary>The namespaces that a project's file opens for all of its files.</summary>
    public IEnumerable<string> UsingsOf(string project) => Items(project, "Using");

    /// <summary>The folders of a project that depend on one another, as "Folder -> Folder: file" for each arrow; "." is the root of the
    /// project.</summary>
    public IReadOnlyList<FolderArrow> ArrowsIn(string project)
    {
        List<SourceFile> files = [.. Files.Where(file => file.Project == project && !IsExempt(file))];
        Dictionary<string, HashSet<string>> types = files.GroupBy(file => file.Folder)
            .ToDictionary(folder => folder.Key, folder => folder.SelectMany(file => file.Types).ToHashSet(StringComparer.Ordinal));
        return [.. files.SelectMany(file => types.Keys.Where(folder => folder != file.Folder && Names(file, folder, types[folder]))
            .Select(folder => new FolderArrow(file.Folder, folder, file.Path)))];
    }

    /// <summary>Log.cs and the class of the meter are in the root of a project. All folders use them, and the meter in turn names the
    /// classes of instruments, so that all of them exist at the first scrape; neither shows which folder is above
    /// another.</summary>
    private static bool IsExempt(SourceFile file) =>
        file.Folder == "." && (file.Name == "Log.cs" || file.Name.EndsWith("Meter.cs", StringComparison.Ordinal));

    /// <summary>Found by a using of the folder's namespace, by a type qualified with a part of the namespace, or, if the namespace
    /// encloses the file's own, by a type alone.</summary>
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

    /// <summary>A source file.</summary>
    /// <param name="Path">The path below src/.</param>
    /// <param name="Text">The content.</param>
    internal sealed partial record SourceFile(string Path, string Text)
    {
        private readonly string _code = Comment().Replace(Literal().Replace(Text, "\"\""), "");

        public string Project => Path.Split('/')[0];

        public string Name => System.IO.Path.GetFileName(Path);

        /// <summary>The folder in the project; "." is the root.</summary>
        public string Folder => Path.Split('/')[1..^1] is [_, ..] folders ? string.Join('/', folders) : ".";

        public int Lines => Text.AsSpan().TrimEnd('\n').Count('\n') + 1;

        /// <summary>The nonblank lines.</summary>
        public int WrittenLines => Text.Split('\n').Count(line => !string.IsNullOrWhiteSpace(line));

        public string? Namespace => NamespaceLine().Match(_code) is { Success: true } line ? line.Groups["name"].Value : null;

        public HashSet<string> Usings => [.. UsingLine().Matches(_code).Select(line => line.Groups["name"].Value)];

        public bool HasGlobalUsing => _code.Contains("global using", StringComparison.Ordinal);

        public HashSet<string> Words => [.. Word().Matches(_code).Select(word => word.Value)];

        public IEnumerable<string> QualifiedNames =>
            QualifiedName().Matches(UsingLine().Replace(NamespaceLine().Replace(_code, ""), "")).Select(name => name.Value);

        /// <summary>The types declared in the file, except nested ones.</summary>
        public IEnumerable<string> Types => Declaration().Matches(_code).Select(type => type.Groups["name"].Value);

        [GeneratedRegex("""(?<!')"([^"\\\n]|\\.)*"(?!')""")]
        private static partial Regex Literal();

        [GeneratedRegex(@"//[^\n]*")]
        private static partial Regex Comment();

        [GeneratedRegex(@"^namespace (?<name>[\w.]+)", RegexOptions.Multiline)]
        private static partial Regex NamespaceLine();

        [GeneratedRegex(@"^using (static )?(\w+ = )?(?<name>[\w.]+)[^\n(]*;", RegexOptions.Multiline)]
        private static partial Regex UsingLine();

        /// <summary>Names that may be types: neither members nor methods.</summary>
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

    /// <summary>An arrow from one folder to another.</summary>
    /// <param name="From">The folder that uses the other.</param>
    /// <param name="To">The folder that is used.</param>
    /// <param name="File">The file with the use.</param>
    internal sealed record FolderArrow(string From, string To, string File)
    {
        public override string ToString() => $"{From} -> {To} in {File}";
    }
}
