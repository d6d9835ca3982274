using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;
using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>deploy/systemd.</summary>
public sealed class SystemdTests
{
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Repository.Root, "deploy/systemd/pgetcd.service"));

    [Fact]
    public void The_unit_starts_pgetcd_with_known_flags_and_restarts_it()
    {
        Lines.Where(line => line.StartsWith('[')).ShouldBe(["[Unit]", "[Service]", "[Install]"]);
        Lines.Where(line => line.Length > 0 && line[0] is not ('#' or '[')).ShouldAllBe(line => line.IndexOf('=') > 0);
        string[] start = Value("ExecStart").Replace("%H", "host", StringComparison.Ordinal).Split(' ');
        start[0].ShouldBe("/opt/pgetcd/pgetcd");
        ServerOptions options = ContainerFileTests.FlagsOf(start[1..]);
        options.Name.ShouldBe("host");
        options.AdvertiseClientUrls.ShouldBe([$"http://host:{options.ListenClientUrls[0].Port}"]);
        Value("Restart").ShouldBe("always");
        Value("DynamicUser").ShouldBe("yes");
    }

    [Fact]
    public void Its_environment_file_names_the_database()
    {
        Value("EnvironmentFile").ShouldBe("/etc/pgetcd/pgetcd.env");
        string line = File.ReadAllLines(Path.Combine(Repository.Root, "deploy/systemd/pgetcd.env"))
            .Single(line => line.StartsWith(Flags.Database.Variable, StringComparison.Ordinal));
        DatabaseAddress.ToConnectionString("url", line.Split('=', 2)[1]).ShouldContain("db1.example:5432,db2.example:5432");
    }

    private static string Value(string name) =>
        Lines.Single(line => line.StartsWith(name + "=", StringComparison.Ordinal)).Split('=', 2)[1];
}
