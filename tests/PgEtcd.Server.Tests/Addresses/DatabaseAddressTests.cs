using Npgsql;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.CommandLines;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Addresses;

public class DatabaseAddressTests
{
    [Fact]
    public void A_url_gives_user_password_host_port_and_database()
    {
        NpgsqlConnectionStringBuilder read = Read(
            "postgres://us%40er:p%3Aw%2Fd@db.example:5433/my%20db?application_name=x&connect_timeout=3");

        read.ShouldSatisfyAllConditions(
            c => c.Username.ShouldBe("us@er"), c => c.Password.ShouldBe("p:w/d"), c => c.Host.ShouldBe("db.example"),
            c => c.Port.ShouldBe(5433), c => c.Database.ShouldBe("my db"), c => c.ApplicationName.ShouldBe("x"),
            c => c.Timeout.ShouldBe(3));
    }

    [Theory]
    [InlineData("postgresql://h", "h", 5432)]
    [InlineData("postgresql:///db", "localhost", 5432)]
    [InlineData("postgres://[::1]:7/db", "::1", 7)]
    [InlineData("postgres://a:1,b,[::1]:3/db", "a:1,b:5432,[::1]:3", 1)]
    [InlineData("postgres://%2Frun%2Fpostgresql/db", "/run/postgresql", 5432)]
    [InlineData("postgres:///db?host=/run/postgresql&port=77", "/run/postgresql", 77)]
    public void Hosts_may_be_several_or_a_socket(string url, string host, int port)
    {
        Read(url).Host.ShouldBe(host);
        Read(url).Port.ShouldBe(port);
    }

    [Theory]
    [InlineData("disable", SslMode.Disable)]
    [InlineData("allow", SslMode.Allow)]
    [InlineData("prefer", SslMode.Prefer)]
    [InlineData("require", SslMode.Require)]
    [InlineData("require&sslrootcert=/ca", SslMode.VerifyCA)]
    [InlineData("verify-ca", SslMode.VerifyCA)]
    [InlineData("verify-full", SslMode.VerifyFull)]
    [InlineData("verify-full&sslrootcert=system", SslMode.VerifyFull)]
    public void Sslmode_is_written_as_in_libpq(string text, SslMode mode) =>
        Read($"postgres://h/db?sslmode={text}").SslMode.ShouldBe(mode);

    [Fact]
    public void Files_of_a_url_are_passed_on()
    {
        NpgsqlConnectionStringBuilder read = Read(
            "postgres://h/db?sslmode=verify-ca&sslrootcert=/ca&sslcert=/c&sslkey=/k&sslpassword=p&passfile=/p&sslnegotiation=direct");

        read.ShouldSatisfyAllConditions(
            r => r.RootCertificate.ShouldBe("/ca"), r => r.SslCertificate.ShouldBe("/c"), r => r.SslKey.ShouldBe("/k"),
            r => r.SslPassword.ShouldBe("p"), r => r.Passfile.ShouldBe("/p"), r => r.SslNegotiation.ShouldBe(SslNegotiation.Direct));
    }

    [Fact]
    public void Options_and_the_session_attribute_are_passed_on()
    {
        NpgsqlConnectionStringBuilder read = Read("postgres://a,b/db?options=-c%20geqo%3Doff&target_session_attrs=read-write");

        read.Options.ShouldBe("-c geqo=off");
        read.TargetSessionAttributes.ShouldBe("read-write");
    }

    [Theory]
    [InlineData("postgres://u:hunter2/x@h/db", "a port")]
    [InlineData("postgres://u:hunter2%@h/db", "a %")]
    [InlineData("postgres://u@h/db?sslmode=hunter2", "sslmode")]
    [InlineData("postgres://u@h/db?hunter2=x", "a parameter")]
    [InlineData("Hst=h;Password=hunter2", "perhaps Host is misspelt")]
    [InlineData("Host=h;Port=hunter2", "the value of Port")]
    [InlineData("Host=h;hunter2=", "is not a connection string")]
    [InlineData("Host=h;Password=a;hunter2", "not a connection string")]
    [InlineData("Database=d;Password=hunter2", "does not name a Host")]
    [InlineData("host=h password=hunter2", "semicolons")]
    [InlineData("hunter2", "must be a URL")]
    [InlineData("mysql://u:hunter2@h/d?a=b", "not a connection string")]
    public void Errors_do_not_contain_the_password(string address, string said)
    {
        CommandLineResult result = CommandLine.Parse(["--database", address], new Dictionary<string, string>());

        result.ExitCode.ShouldBe(1);
        result.Text.ShouldNotBeNull().ShouldSatisfyAllConditions(
            t => t.ShouldContain(said), t => t.ShouldStartWith("--database "), t => t.ShouldNotContain("hunter2"),
            t => t.ShouldNotContain('\n'));
    }

    private static NpgsqlConnectionStringBuilder Read(string address) => new(DatabaseAddress.ToConnectionString("--database", address));
}
