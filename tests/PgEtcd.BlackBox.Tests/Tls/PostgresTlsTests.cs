using System.Text;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Tls;

/// <summary>Connections to PostgreSQL: every sslmode of a URL, certificates, passwords from elsewhere, and no secret printed.</summary>
public sealed class PostgresTlsTests(SecurePostgres postgres) : IClassFixture<SecurePostgres>
{
    private static readonly string Encoded = Uri.EscapeDataString(SecurePostgres.Password);

    [Theory]
    [InlineData("etcd", "sslmode=disable", false)]
    [InlineData("etcd", "sslmode=allow", false)]
    [InlineData("etcd", "sslmode=prefer", true)]
    [InlineData("etcd", "", true)]
    [InlineData("etcd", "sslmode=require", true)]
    [InlineData("secure", "sslmode=allow", true)]
    [InlineData("secure", "sslmode=verify-ca&sslrootcert={dir}/ca.crt", true, "localhost")]
    [InlineData("secure", "sslmode=require&sslrootcert={dir}/ca.crt", true, "localhost")]
    [InlineData("secure", "sslmode=verify-full&sslrootcert={dir}/ca.crt", true)]
    [InlineData("certified", "sslmode=verify-full&sslrootcert={dir}/ca.crt&sslcert={dir}/client.crt&sslkey={dir}/client.key", true)]
    public async Task A_connection_is_as_secure_as_its_sslmode(string user, string parameters, bool isTls, string host = "127.0.0.1")
    {
        string url = await postgres.CreateAsync(user == "certified" ? user : $"{user}:{Encoded}", parameters, host);
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(url);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");

        // All of its connections, the listener's too.
        string database = new Uri(url).AbsolutePath[1..];
        (await Sql.ExecuteAsync(
            postgres.Server.SocketConnectionString(),
            $"""
            select count(*) > 1 and bool_and(ssl = {isTls}) from pg_stat_ssl join pg_stat_activity using (pid)
            where datname = '{database}' and usename = '{user}'
            """))
            .ShouldBe(true);
    }

    [Theory]
    [InlineData(
        "secure", "sslmode=disable",
        "PostgreSQL refused the connection: no pg_hba.conf entry for host \"127.0.0.1\", user \"secure\"")]
    [InlineData(
        "etcd", "sslmode=verify-full&sslrootcert={dir}/ca.crt",
        "TLS with PostgreSQL at 'localhost' failed: its certificate is of another authority", "localhost")]
    [InlineData(
        "etcd", "sslmode=verify-ca&sslrootcert={dir}/other.crt",
        "TLS with PostgreSQL at '127.0.0.1' failed: its certificate is of another authority")]
    [InlineData(
        "etcd", "sslmode=require&sslrootcert={dir}/other.crt",
        "TLS with PostgreSQL at '127.0.0.1' failed: its certificate is of another authority")]
    [InlineData("etcd", "sslmode=verify-full", "TLS with PostgreSQL at '127.0.0.1' failed: its certificate is of another authority")]
    [InlineData("etcd", "sslrootcert=system", "TLS with PostgreSQL at '127.0.0.1' failed: its certificate is of another authority")]
    [InlineData("etcd", "sslmode=verify-ca&sslrootcert={dir}/missing.crt", "a file that it names cannot be used: ")]
    [InlineData("certified", "sslmode=require", "PostgreSQL refused the connection: ")]
    [InlineData("certified", "sslmode=require&sslcert={dir}/missing.crt&sslkey={dir}/client.key", "a file that it names cannot be used: ")]
    [InlineData("certified", "sslmode=require&sslcert={dir}/client.crt&sslkey={dir}/missing.key", "a file that it names cannot be used: ")]
    public async Task Impossible_settings_are_reported_at_once_in_one_sentence(
        string user, string parameters, string said, string host = "127.0.0.1")
    {
        string url = await postgres.CreateAsync($"{user}:{Encoded}", parameters, host);
        (await Refusal.OfAsync("--database", url, "--log-level=debug")).ShouldStartWith($"pgetcd: --database: {said}");
    }

    [Fact]
    public async Task A_server_without_TLS_is_refused_if_TLS_is_required()
    {
        await using PgEtcd.Testing.Postgres.PostgresServer plain = await PgEtcd.Testing.Postgres.PostgresServer.StartAsync();
        (await Refusal.OfAsync("--database", $"postgres://postgres:hunter2@127.0.0.1:{plain.Port}/postgres?sslmode=require")).ShouldBe(
            "pgetcd: --database: the connection cannot be used: SSL connection requested. "
            + "No SSL enabled connection from this host is configured.");
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_password_is_read_from_a_file(bool fromEnvironment)
    {
        postgres.Write("pgpass", $"127.0.0.1:*:*:etcd:{SecurePostgres.Password}\n");
        await Command.CheckAsync("chmod", "600", postgres.PathOf("pgpass"));
        string url = await postgres.CreateAsync("etcd", fromEnvironment ? "sslmode=require" : "sslmode=require&passfile={dir}/pgpass");
        Uri client = new($"http://127.0.0.1:{FreePort.Next()}");
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(
            client, ["--listen-client-urls", client.ToString().TrimEnd('/')], new Dictionary<string, string>
            {
                ["PGETCD_DATABASE"] = url,
                ["PGPASSFILE"] = fromEnvironment ? postgres.PathOf("pgpass") : "/missing",
            });
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
    }

    [Fact]
    public async Task The_password_is_in_no_log_no_page_no_error_and_not_in_the_process_title()
    {
        string url = await postgres.CreateAsync($"etcd:{Encoded}", "sslmode=require");
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(url, moreArguments: ["--log-level=debug", "--metrics=extensive"]))
        {
            await using Kv kv = new(server);
            await kv.PutAsync("a", "1");
            // The database goes down and comes back, and the lines logged meanwhile count too.
            server.Expect("PostgreSQL does not answer, trying again");
            await Sql.ExecuteAsync(
                postgres.Server.SocketConnectionString(),
                "select count(pg_terminate_backend(pid)) from pg_stat_activity where usename = 'etcd'");
            await kv.PutAsync("a", "2");
            ShouldHoldNoSecret(Encoding.UTF8.GetString(await File.ReadAllBytesAsync($"/proc/{server.Pid}/cmdline")), "the command line");
            using HttpClient http = new();
            foreach (string page in (string[])["metrics", "health", "version", "debug/vars"])
            {
                ShouldHoldNoSecret(await http.GetStringAsync(new Uri(server.ClientUrl, page)), page);
            }

            await server.StopAsync();
            ShouldHoldNoSecret(server.Output, "the log");
            await server.SaysAsync("serves http");
        }

        // The same password in four failures: no listener, a TLS error, a wrong password, and a bad rest of the address.
        string wrong = url.Replace(Encoded, Encoded + "3", StringComparison.Ordinal);
        foreach (string address in (string[])[
            wrong, url.Replace("require", "verify-full", StringComparison.Ordinal),
            url.Replace("127.0.0.1", "no-such-host.invalid", StringComparison.Ordinal),
            url + "&nonsense=1", url.Replace("require", SecurePostgres.Password, StringComparison.Ordinal)])
        {
            await using ChildProcess process = PgEtcdServer.Launch(["--log-level=debug", "--database", address]);
            (await process.WaitForExitAsync()).ShouldBe(1, process.Output);
            process.Output.ShouldNotBeEmpty();
            ShouldHoldNoSecret(process.Output, address);
        }
    }

    private static void ShouldHoldNoSecret(string text, string where)
    {
        text.ShouldNotContain("hunter2", Case.Insensitive, where);
        text.ShouldNotContain(Encoded, Case.Insensitive, where);
    }
}
