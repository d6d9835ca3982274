using System.Globalization;
using System.Text.RegularExpressions;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The violations of the rules of the floors (CONTRIBUTING.md) in a source tree, one sentence for each place.</summary>
/// <remarks>Projects and folders are measured in nonblank lines of handwritten .cs files, a folder without its subfolders. Files are
/// measured in all of their lines.</remarks>
internal static partial class Floors
{
    public const int MostOfAProject = 6_000;
    public const int MostOfAFolder = 1_200;
    public const int MostOfAFile = 400;

    /// <summary>The projects that each project may use: arrows point down only.</summary>
    public static readonly IReadOnlyDictionary<string, string[]> Below = new Dictionary<string, string[]>
    {
        ["PgEtcd.Server"] =
        [
            "PgEtcd.Api", "PgEtcd.Console", "PgEtcd.Frontend", "PgEtcd.LocalPostgres", "PgEtcd.Mvcc", "PgEtcd.Postgres", "PgEtcd.Protocol",
            "PgEtcd.Snapshots", "PgEtcd.Verbs",
        ],
        ["PgEtcd.Verbs"] = ["PgEtcd.Frontend", "PgEtcd.LocalPostgres", "PgEtcd.Postgres", "PgEtcd.Protocol", "PgEtcd.Snapshots"],
        ["PgEtcd.Api"] = ["PgEtcd.Frontend", "PgEtcd.Mvcc", "PgEtcd.Postgres", "PgEtcd.Protocol"],
        ["PgEtcd.Console"] = ["PgEtcd.Frontend", "PgEtcd.Mvcc", "PgEtcd.Postgres", "PgEtcd.Protocol"],
        ["PgEtcd.Frontend"] = ["PgEtcd.Mvcc", "PgEtcd.Postgres", "PgEtcd.Protocol", "PgEtcd.Snapshots"],
        ["PgEtcd.Postgres"] = ["PgEtcd.Mvcc"],
        ["PgEtcd.Snapshots"] = ["PgEtcd.Mvcc"],
        ["PgEtcd.Protocol"] = [],
        ["PgEtcd.Mvcc"] = [],
        ["PgEtcd.LocalPostgres"] = [],
    };

    /// <summary>The first of the hundred ids of a project's log messages.</summary>
    public static readonly IReadOnlyDictionary<string, int> FirstLogId = new Dictionary<string, int>
    {
        ["PgEtcd.Postgres"] = 100,
        ["PgEtcd.Frontend"] = 200,
        ["PgEtcd.Api"] = 300,
        ["PgEtcd.Server"] = 400,
        ["PgEtcd.LocalPostgres"] = 500,
        ["PgEtcd.Console"] = 600,
    };

    public static IEnumerable<string> OtherReferences(SourceTree tree) => tree.Projects.SelectMany(project =>
        !Below.TryGetValue(project, out string[]? below) ? [$"{project} has no floor."]
        : tree.ReferencesOf(project).Except(below).Select(other => $"{project} must not refer to {other}.")
            .Concat(below.Except(tree.ReferencesOf(project)).Select(other => $"{project} no longer refers to {other}: say so here.")));

    public static IEnumerable<string> TooLong(SourceTree tree) =>
    [
        .. tree.Files.GroupBy(file => file.Project).SelectMany(project => TooMany(project.Key, project.Sum(Written), MostOfAProject)),
        .. tree.Files.GroupBy(file => $"{file.Project}/{file.Folder}")
            .SelectMany(folder => TooMany(folder.Key, folder.Sum(Written), MostOfAFolder)),
        .. tree.Files.SelectMany(file => TooMany(file.Path, file.Lines, MostOfAFile)),
    ];

    /// <summary>The arrows between folders that are part of a cycle.</summary>
    public static IEnumerable<string> Cycles(SourceTree tree) => tree.Projects.SelectMany(project =>
    {
        IReadOnlyList<SourceTree.FolderArrow> arrows = tree.ArrowsIn(project);
        ILookup<string, string> next = arrows.ToLookup(arrow => arrow.From, arrow => arrow.To);
        return arrows.Where(arrow => Reached(arrow.To, next).Contains(arrow.From)).Select(arrow => $"{project}: {arrow}");
    });

    /// <summary>The rule about cycles reads namespaces, so they must equal the folders, and files must name those that they use.</summary>
    public static IEnumerable<string> HiddenNamespaces(SourceTree tree) =>
    [
        .. tree.Files.Where(file => file.Namespace is { } name && name != NamespaceOf(file)).Select(
            file => $"{file.Path} is not in {NamespaceOf(file)}."),
        .. tree.Files.Where(file => file.HasGlobalUsing).Select(file => $"{file.Path} has a global using."),
        .. tree.Projects.SelectMany(project => tree.UsingsOf(project).Where(name => name.StartsWith("PgEtcd", StringComparison.Ordinal))
            .Select(name => $"{project} opens {name} for all of its files.")),
    ];

    /// <summary>Ids of log messages outside of their project's range, or used twice.</summary>
    public static IEnumerable<string> WrongLogIds(SourceTree tree)
    {
        List<(string Project, int Id)> ids =
        [
            .. tree.Files.SelectMany(file => LoggerMessage().Matches(file.Text).Select(message =>
                (file.Project, message.Groups["id"].Success ? int.Parse(message.Groups["id"].Value, CultureInfo.InvariantCulture) : -1))),
        ];
        return
        [
            .. ids.Where(id => !FirstLogId.TryGetValue(id.Project, out int first) || id.Id < first || id.Id >= first + 100)
                .Select(id => $"{id.Project} has a message with the id {id.Id}."),
            .. ids.GroupBy(id => id.Id).Where(same => same.Count() > 1).Select(same => $"{same.Count()} messages have the id {same.Key}."),
        ];
    }

    /// <summary>Handwritten copies of types of a package.</summary>
    /// <param name="tree">The source.</param>
    /// <param name="package">The names of the package's public types.</param>
    public static IEnumerable<string> Copies(SourceTree tree, IReadOnlySet<string> package) =>
    [
        .. tree.Files.Where(file => file.Namespace is "Grpc" || file.Namespace?.StartsWith("Grpc.", StringComparison.Ordinal) == true)
            .Select(file => $"{file.Path} is in {file.Namespace}."),
        .. tree.Files.SelectMany(file => file.Types.Where(package.Contains).Select(type => $"{file.Path} declares {type}.")),
    ];

    private static int Written(SourceTree.SourceFile file) => file.WrittenLines;

    private static string[] TooMany(string what, int lines, int most) =>
        lines > most ? [string.Create(CultureInfo.InvariantCulture, $"{what} has {lines} lines, more than {most}.")] : [];

    private static string NamespaceOf(SourceTree.SourceFile file) =>
        file.Folder == "." ? file.Project : $"{file.Project}.{file.Folder.Replace('/', '.')}";

    private static HashSet<string> Reached(string from, ILookup<string, string> next)
    {
        HashSet<string> reached = [from];
        Queue<string> open = new([from]);
        while (open.TryDequeue(out string? at))
        {
            foreach (string to in next[at].Where(reached.Add))
            {
                open.Enqueue(to);
            }
        }

        return reached;
    }

    [GeneratedRegex(@"\[LoggerMessage\(((EventId = )?(?<id>\d+))?")]
    private static partial Regex LoggerMessage();
}
