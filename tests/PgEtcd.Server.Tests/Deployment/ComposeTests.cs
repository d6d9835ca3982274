using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Options;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>docker-compose.yml, as far as it can be checked without an engine; the black-box tests run the same topology.</summary>
public sealed partial class ComposeTests
{
    /// <summary>The fields of the compose specification in use; any other is a mistake.</summary>
    private static readonly string[] KnownFields =
    [
        "build", "image", "restart", "depends_on", "environment", "networks", "stop_grace_period", "command", "volumes", "ports",
        "healthcheck",
        "read_only", "tmpfs", "cap_drop", "security_opt",
    ];

    private static readonly string[] Frontends = ["frontend1", "frontend2", "frontend3"];

    private readonly JsonObject _file = YamlFile.Read("docker-compose.yml").ShouldHaveSingleItem();

    [Fact]
    public void It_has_a_database_three_frontends_and_a_balancer_and_no_misspelt_field()
    {
        _file.Names().Where(name => !name.StartsWith("x-", StringComparison.Ordinal)).ShouldBe(["services", "networks", "volumes"]);
        _file["services"].Names().ShouldBe(["postgres", .. Frontends, "balancer"]);
        foreach (string service in _file["services"].Names())
        {
            Service(service).Names().ShouldBeSubsetOf(KnownFields, service);
            Service(service)["networks"].Strings().ShouldBeSubsetOf(_file["networks"].Names(), service);
            Service(service)["image"].ShouldNotBeNull(service);
            foreach (string volume in Service(service)["volumes"].Strings().Select(volume => volume.Split(':')[0]))
            {
                (_file["volumes"].Names().Contains(volume) || File.Exists(Path.Combine(Repository.Root, volume))).ShouldBeTrue(volume);
            }
        }
    }

    [Fact]
    public void Each_service_waits_until_those_it_needs_are_healthy()
    {
        string[] image = [.. ContainerFile.Read().Select(instruction => instruction.Name)];
        image.ShouldContain("HEALTHCHECK", "the frontends' health");
        Service("postgres")["healthcheck"]!["test"].Strings()[0].ShouldBe("CMD");
        foreach (string frontend in Frontends)
        {
            Needs(frontend).ShouldBe(["postgres"]);
        }

        Needs("balancer").ShouldBe(Frontends);
    }

    [Fact]
    public void The_frontends_have_different_names_and_listen_where_the_balancer_connects()
    {
        ServerOptions[] options = [
            .. Frontends.Select(frontend => ContainerFileTests.FlagsOf(Service(frontend)["command"].Strings().Select(Expanded)))];
        options.Select(frontend => frontend.Name).ShouldBe(Frontends);
        options.Select(frontend => frontend.Identity.MemberId).ShouldBeUnique();
        options.Select(frontend => frontend.Schema).Distinct().Count().ShouldBe(1);
        for (int i = 0; i < Frontends.Length; i++)
        {
            ListenUrl listen = options[i].ListenClientUrls.ShouldHaveSingleItem();
            listen.IsUnspecified.ShouldBeTrue("another container connects");
            Variable("balancer", $"FRONTEND{i + 1}").ShouldBe($"{Frontends[i]}:{listen.Port}");
            Service(Frontends[i])["build"]!.ToString().ShouldBe(".");
        }
    }

    [Fact]
    public void The_frontends_get_the_address_of_the_database_service()
    {
        foreach (string frontend in Frontends)
        {
            Npgsql.NpgsqlConnectionStringBuilder database = new(
                DatabaseAddress.ToConnectionString("PGETCD_DATABASE", Variable(frontend, "PGETCD_DATABASE")));
            database.Host.ShouldBe("postgres");
            database.Port.ShouldBe(5432);
            database.Username.ShouldBe(Variable("postgres", "POSTGRES_USER"));
            database.Password.ShouldBe(Variable("postgres", "POSTGRES_PASSWORD"));
            database.Database.ShouldBe(Variable("postgres", "POSTGRES_DB"));
        }
    }

    [Fact]
    public void Clients_are_given_the_balancers_address_and_its_configuration_is_complete()
    {
        string[] mounted = Service("balancer")["volumes"].Strings().ShouldHaveSingleItem().Split(':');
        string configuration = File.ReadAllText(Path.Combine(Repository.Root, mounted[0]));
        string[] wanted = [.. Regex.Matches(configuration, @"\$\{(\w+)\}").Select(match => match.Groups[1].Value)];
        wanted.Distinct().ShouldBe(Service("balancer")["environment"].Names(), ignoreOrder: true);
        string[] published = Expanded(Service("balancer")["ports"].Strings().ShouldHaveSingleItem()).Split(':');
        Variable("balancer", "LISTEN").ShouldBe($"0.0.0.0:{published[^1]}");
        foreach (string frontend in Frontends)
        {
            ContainerFileTests.FlagsOf(Service(frontend)["command"].Strings().Select(Expanded)).AdvertiseClientUrls
                .ShouldBe([$"http://localhost:{published[^2]}"]);
        }
    }

    private JsonObject Service(string name) => (JsonObject)_file["services"]![name]!;

    private string Variable(string service, string name) => Expanded(Service(service)["environment"]![name]!.ToString());

    private string[] Needs(string service)
    {
        JsonObject needed = (JsonObject)Service(service)["depends_on"]!;
        needed.ShouldAllBe(need => need.Value!["condition"]!.ToString() == "service_healthy");
        return needed.Names();
    }

    /// <summary>Substitutes ${NAME:-default} like compose, with no variable set.</summary>
    private static string Expanded(string text) => Substitution().Replace(text, match => match.Groups[1].Value);

    [GeneratedRegex(@"\$\{\w+:-([^}]*)\}")]
    private static partial Regex Substitution();
}
