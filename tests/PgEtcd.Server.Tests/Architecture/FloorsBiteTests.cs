using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The rules of <see cref="Floors"/> on a small tree that breaks them one at a time.</summary>
public sealed class FloorsBiteTests : IDisposable
{
    private readonly TempDirectory _root = new("floors");

    public FloorsBiteTests()
    {
        Project("PgEtcd.Postgres", "PgEtcd.Mvcc");
        Project("PgEtcd.Mvcc");
        Write("PgEtcd.Mvcc/Keys/Key.cs", "namespace PgEtcd.Mvcc.Keys;", "class Key;");
        Write("PgEtcd.Mvcc/Trees/Tree.cs", "using PgEtcd.Mvcc.Keys;", "namespace PgEtcd.Mvcc.Trees;", "class Tree { Key? Key; }");
        Write("PgEtcd.Mvcc/KeySpace.cs", "using PgEtcd.Mvcc.Trees;", "namespace PgEtcd.Mvcc;", "class KeySpace { Tree? Tree; }");
        Write(
            "PgEtcd.Postgres/Log.cs",
            "namespace PgEtcd.Postgres;", "class Log {", "    [LoggerMessage(100, LogLevel.Error, \"a\")]", "}");
        Write("PgEtcd.Postgres/Rows/Rows.cs", "namespace PgEtcd.Postgres.Rows;", "class Rows { void Write() => Log.A(); }");
    }

    private SourceTree Tree => new(_root.Path);

    public void Dispose() => _root.Dispose();

    [Fact]
    public void A_tree_that_keeps_the_rules_has_no_findings()
    {
        SourceTree tree = Tree;
        Floors.OtherReferences(tree).Concat(Floors.TooLong(tree)).Concat(Floors.Cycles(tree)).Concat(Floors.HiddenNamespaces(tree))
            .Concat(Floors.WrongLogIds(tree)).Concat(Floors.Copies(tree, new HashSet<string> { "Status" })).ShouldBeEmpty();
    }

    [Fact]
    public void An_arrow_upwards_is_found()
    {
        Project("PgEtcd.Mvcc", "PgEtcd.Postgres");
        Floors.OtherReferences(Tree).ShouldBe(["PgEtcd.Mvcc must not refer to PgEtcd.Postgres."]);
    }

    [Fact]
    public void A_project_that_has_no_floor_is_found()
    {
        Project("PgEtcd.Cellar");
        Floors.OtherReferences(Tree).ShouldBe(["PgEtcd.Cellar has no floor."]);
    }

    [Theory]
    [InlineData("using PgEtcd.Mvcc.Trees;", "class Other;")]
    [InlineData("using static PgEtcd.Mvcc.Trees;", "class Other;")]
    [InlineData("using T = PgEtcd.Mvcc.Trees;", "class Other;")]
    [InlineData("", "class Other { Trees.Tree? Tree; }")]
    [InlineData("", "class Other { Mvcc.Trees.Tree? Tree; }")]
    [InlineData("", "class Other { KeySpace? Space; }")]
    public void A_cycle_is_found(string usings, string declaration)
    {
        Write("PgEtcd.Mvcc/Keys/Other.cs", usings, "namespace PgEtcd.Mvcc.Keys;", declaration);
        Floors.Cycles(Tree).ShouldContain(arrow => arrow.EndsWith("PgEtcd.Mvcc/Keys/Other.cs", StringComparison.Ordinal));
    }

    [Fact]
    public void Comments_texts_and_members_of_the_same_name_are_not_arrows()
    {
        Write(
            "PgEtcd.Mvcc/Keys/Other.cs", "namespace PgEtcd.Mvcc.Keys;", "/// <summary>See KeySpace and Trees.Tree.</summary>",
            "class Other { string Text = \"KeySpace\"; int Count => Trees.Count; }");
        Floors.Cycles(Tree).ShouldBeEmpty();
    }

    [Fact]
    public void A_file_of_401_lines_is_found()
    {
        Write("PgEtcd.Mvcc/Keys/Key.cs", Numbered(400));
        Floors.TooLong(Tree).ShouldBeEmpty();
        Write("PgEtcd.Mvcc/Keys/Key.cs", Numbered(401));
        Floors.TooLong(Tree).ShouldBe(["PgEtcd.Mvcc/Keys/Key.cs has 401 lines, more than 400."]);
    }

    [Fact]
    public void An_oversized_folder_and_project_are_found()
    {
        for (int file = 0; file < 20; file++)
        {
            Write($"PgEtcd.Mvcc/{(file < 4 ? "Keys" : $"Folder{file}")}/File{file}.cs", Numbered(301));
        }

        Floors.TooLong(Tree).ShouldBe(
            ["PgEtcd.Mvcc has 6028 lines, more than 6000.", "PgEtcd.Mvcc/Keys has 1206 lines, more than 1200."], ignoreOrder: true);
    }

    [Fact]
    public void A_line_of_141_columns_is_found_except_in_generated_files()
    {
        Write("PgEtcd.Mvcc/Keys/Key.cs", new string('a', 140), new string('ä', 140));
        Write("PgEtcd.Mvcc/obj/Made.cs", new string('a', 141));
        Write("PgEtcd.Mvcc/Keys/Key.txt", new string('a', 141));
        Lines.TooLong(_root.Path).ShouldBeEmpty();
        Write("PgEtcd.Mvcc/Keys/Key.sql", "", new string('a', 141));
        Lines.TooLong(_root.Path).ShouldBe(["src/PgEtcd.Mvcc/Keys/Key.sql:2 has 141 columns, more than 140."]);
    }

    [Fact]
    public void A_namespace_that_is_not_the_folder_is_found()
    {
        Write("PgEtcd.Mvcc/Keys/Other.cs", "namespace PgEtcd.Mvcc;", "class Other;");
        Floors.HiddenNamespaces(Tree).ShouldBe(["PgEtcd.Mvcc/Keys/Other.cs is not in PgEtcd.Mvcc.Keys."]);
    }

    [Fact]
    public void Duplicate_and_foreign_ids_are_found()
    {
        Write("PgEtcd.Mvcc/Log.cs", "namespace PgEtcd.Mvcc;", "class Log {", "    [LoggerMessage(100, LogLevel.Error, \"a\")]", "}");
        Floors.WrongLogIds(Tree).ShouldBe(["PgEtcd.Mvcc has a message with the id 100.", "2 messages have the id 100."]);
    }

    [Fact]
    public void A_handwritten_copy_of_a_package_type_is_found()
    {
        Write("PgEtcd.Mvcc/Keys/Status.cs", "namespace Grpc.Core;", "class Status;");
        Floors.Copies(Tree, new HashSet<string> { "Status" }).ShouldBe(
            ["PgEtcd.Mvcc/Keys/Status.cs is in Grpc.Core.", "PgEtcd.Mvcc/Keys/Status.cs declares Status."]);
    }

    private static string[] Numbered(int count) => [.. Enumerable.Range(1, count).Select(line => $"// {line}")];

    private void Project(string name, params string[] below) => Write(
        $"{name}/{name}.csproj",
        [
            "<Project><ItemGroup>",
            .. below.Select(other => $"<ProjectReference Include=\"../{other}/{other}.csproj\" />"),
            "</ItemGroup></Project>",
        ]);

    private void Write(string path, params string[] lines)
    {
        string full = Path.Combine(_root.Path, "src", path);
        Directory.CreateDirectory(Path.GetDirectoryName(full)!);
        File.WriteAllText(full, string.Join('\n', lines) + "\n");
    }
}
