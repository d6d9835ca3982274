using System.Text.Json;
using System.Text.RegularExpressions;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Options;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>The Dockerfile, as far as it can be checked without an engine.</summary>
public sealed class ContainerFileTests
{
    private readonly IReadOnlyList<ContainerFile.Instruction> _instructions = ContainerFile.Read();

    [Fact]
    public void Copied_files_exist_and_are_sent_to_the_engine()
    {
        string[] ignored = File.ReadAllLines(Path.Combine(Repository.Root, ".dockerignore"));
        ignored.ShouldContain("*", "everything that is not named is left out");
        string[] sent = [.. ignored.Where(line => line.StartsWith('!')).Select(line => line[1..])];
        string[] copied = [.. Copied()];

        copied.ShouldContain("src");
        foreach (string path in copied)
        {
            string full = Path.Combine(Repository.Root, path);
            (File.Exists(full) || Directory.Exists(full)).ShouldBeTrue(path);
            sent.ShouldContain(root => path == root || path.StartsWith(root + "/", StringComparison.Ordinal), path);
        }

        sent.ShouldBeSubsetOf(copied, "no file is sent in vain");
    }

    [Fact]
    public void It_restores_with_every_project_of_the_server_and_builds_with_all_they_read()
    {
        string[] projects = [.. Directory.GetFiles(Path.Combine(Repository.Root, "src"), "*.csproj", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Repository.Root, path))];
        int restore = Index("RUN", "dotnet restore");
        string[] before = [.. Copied(_instructions.Take(restore))];
        before.ShouldBe([.. projects, "global.json", "Directory.Build.props", "Directory.Packages.props"], ignoreOrder: true);
        foreach (string project in projects)
        {
            string text = File.ReadAllText(Path.Combine(Repository.Root, project));
            foreach (Match outside in Regex.Matches(text, """Include="\.\./\.\./([^/*]+)/"""))
            {
                Copied().ShouldContain(outside.Groups[1].Value, project);
            }
        }
    }

    [Fact]
    public void It_publishes_like_run_sh()
    {
        string script = File.ReadAllText(Path.Combine(Repository.Root, "run.sh"));
        string build = File.ReadAllText(Path.Combine(Repository.Root, "scripts/build.sh"));
        string publish = _instructions[Index("RUN", "dotnet publish")].Text;
        foreach (string option in (string[])
            ["-c Release", "--no-self-contained", "-p:PublishReadyToRun=true", "src/PgEtcd.Server/PgEtcd.Server.csproj"])
        {
            publish.ShouldContain(option);
            build.ShouldContain(option);
        }

        string youngest = Regex.Match(script, @"DOTNET_GCgen0size:-(0x[0-9a-f]+)").Groups[1].Value;
        youngest.ShouldNotBeEmpty();
        Last("ENV").Text.ShouldBe($"DOTNET_GCgen0size={youngest}");
        File.ReadAllText(Path.Combine(Repository.Root, "deploy/systemd/pgetcd.service")).ShouldContain(
            $"\nEnvironment=DOTNET_GCgen0size={youngest}\n");
    }

    [Fact]
    public void Its_last_stage_runs_pgetcd_on_the_runtime_alone_and_not_as_root()
    {
        ContainerFile.Instruction[] stages = [.. _instructions.Where(instruction => instruction.Name == "FROM")];
        stages.Select(stage => stage.Text).ShouldBe(
            ["--platform=$BUILDPLATFORM mcr.microsoft.com/dotnet/sdk:10.0 AS build", "mcr.microsoft.com/dotnet/aspnet:10.0"]);
        Last("USER").Text.ShouldBe("$APP_UID");
        Last("USER").Stage.ShouldBe(1);
        JsonSerializer.Deserialize<string[]>(Last("ENTRYPOINT").Text).ShouldBe(["/opt/pgetcd/pgetcd"]);

        ServerOptions options = FlagsOf(JsonSerializer.Deserialize<string[]>(Last("CMD").Text)!);
        ListenUrl listen = options.ListenClientUrls.ShouldHaveSingleItem();
        listen.IsUnspecified.ShouldBeTrue();
        Last("EXPOSE").Text.ShouldBe($"{listen.Port}");
        string[] check = JsonSerializer.Deserialize<string[]>(Last("HEALTHCHECK").Text.Split(" CMD ")[1])!;
        check.ShouldBe(["/opt/pgetcd/healthcheck.sh", "127.0.0.1", $"{listen.Port}"]);
        Copied().ShouldContain("deploy/docker/healthcheck.sh");
        File.GetUnixFileMode(Path.Combine(Repository.Root, "deploy/docker/healthcheck.sh"))
            .HasFlag(UnixFileMode.OtherExecute).ShouldBeTrue();
    }

    /// <summary>Parses arguments as pgetcd does; all of them must be known and have an effect.</summary>
    internal static ServerOptions FlagsOf(IEnumerable<string> arguments)
    {
        CommandLineResult result = CommandLine.Parse(
            [.. arguments], new Dictionary<string, string> { ["PGETCD_DATABASE"] = "postgres://db/etcd" });
        ServerOptions options = result.Options.ShouldNotBeNull($"{string.Join(' ', arguments)}: {result}");
        options.Warnings.ShouldBeEmpty();
        return options;
    }

    private IEnumerable<string> Copied(IEnumerable<ContainerFile.Instruction>? instructions = null) => (instructions ?? _instructions)
        .Where(instruction => instruction.Name == "COPY" && !instruction.Text.StartsWith("--from", StringComparison.Ordinal))
        .SelectMany(instruction => instruction.Words[..^1]);

    private int Index(string name, string start) => _instructions.ToList().FindIndex(
        instruction => instruction.Name == name && instruction.Text.StartsWith(start, StringComparison.Ordinal));

    private ContainerFile.Instruction Last(string name) => _instructions.Last(instruction => instruction.Name == name);
}
