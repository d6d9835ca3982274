using System.Reflection;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Architecture;

/// <summary>The source keeps to the rules of <see cref="Floors"/>.</summary>
public sealed class FloorsTests
{
    private static readonly SourceTree Tree = new(Repository.Root);

    [Fact]
    public void A_project_references_only_lower_projects() => Floors.OtherReferences(Tree).ShouldBeEmpty();

    /// <summary>The compiler lets a project use what it gets through another; this test does not.</summary>
    [Fact]
    public void A_project_uses_only_lower_projects()
    {
        foreach ((string project, string[] below) in Floors.Below)
        {
            string assembly = project == "PgEtcd.Server" ? "pgetcd" : project;
            Assembly.Load(assembly).GetReferencedAssemblies().Select(reference => reference.Name!)
                .Where(name => name.StartsWith("PgEtcd", StringComparison.OrdinalIgnoreCase))
                .Except(below).ShouldBeEmpty(project);
        }
    }

    [Fact]
    public void No_project_folder_or_file_is_too_long() => Floors.TooLong(Tree).ShouldBeEmpty();

    [Fact]
    public void No_line_is_too_long() => Lines.TooLong(Repository.Root).ShouldBeEmpty();

    [Fact]
    public void No_folders_of_a_project_form_a_cycle() => Floors.Cycles(Tree).ShouldBeEmpty();

    [Fact]
    public void A_namespace_is_a_folder_and_is_opened_by_the_file_that_uses_it() => Floors.HiddenNamespaces(Tree).ShouldBeEmpty();

    [Fact]
    public void Log_messages_have_unique_ids_in_the_range_of_their_project() => Floors.WrongLogIds(Tree).ShouldBeEmpty();

    [Fact]
    public void Nothing_stands_in_for_a_type_of_Grpc_Core() => Floors.Copies(
        Tree,
        typeof(Grpc.Core.Status).Assembly.GetExportedTypes().Select(type => type.Name.Split('`')[0]).ToHashSet()).ShouldBeEmpty();
}
