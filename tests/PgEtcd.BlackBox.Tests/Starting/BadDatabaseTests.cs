using System.Diagnostics;
using System.Globalization;
using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>An unusable --database or --schema.</summary>
public sealed class BadDatabaseTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData(
        "nonsense",
        "--database must be a URL such as postgres://user@host/database or an Npgsql connection string such as Host=…;Database=….")]
    [InlineData(
        "Host=127.0.0.1;Pasword=hunter2", "--database is not a connection string that Npgsql understands (perhaps Password is misspelt).")]
    [InlineData(
        "Host=127.0.0.1;Port=many;Password=hunter2",
        "--database is not a connection string that Npgsql understands (look at the value of Port).")]
    [InlineData("Database=etcd;Password=hunter2", "--database does not name a Host.")]
    [InlineData("postgres://etcd:hunter2@127.0.0.1:port/etcd", "--database has a port that is not a number from 1 to 65535")]
    [InlineData("", "--database needs a value.")]
    [InlineData("Host=127.0.0.1;Port=270014;Password=hunter2", "pgetcd: --database: a value in it cannot be used: ")] // fault C18
    [InlineData("Host=127.0.0.1:270014;Password=hunter2", "pgetcd: --database: ")]
    [InlineData("Host=127.0.0.1;Minimum Pool Size=20;Maximum Pool Size=3", "pgetcd: --database: ")]
    [InlineData("Host=127.0.0.1;Multiplexing=true;Pooling=false", "pgetcd: --database: ")]
    [InlineData("Host=127.0.0.1;Port=1;Timezone=Nowhere;Encoding=klingon", "pgetcd: --database: ")]
    [InlineData("Host=127.0.0.1;Port=1;Root Certificate=/no/such/file;SSL Mode=VerifyFull", "pgetcd: --database: ")]
    public async Task A_malformed_address_is_named(string database, string sentence) =>
        (await Refusal.OfAsync("--database", database)).ShouldStartWith(sentence);

    /// <summary>Npgsql accepts these values and refuses them when it connects, some only as the inner cause of an apparent connection
    /// failure (fault C18).</summary>
    [Theory]
    [InlineData("Maximum Pool Size=0")]
    [InlineData("Minimum Pool Size=50")]
    [InlineData("Tcp Keepalive Interval=5")]
    [InlineData("Read Buffer Size=1")]
    [InlineData("Target Session Attributes=primary")]
    [InlineData("Connection Pruning Interval=0")]
    [InlineData("Encoding=klingon")]
    [InlineData("SSL Negotiation=direct")]
    public async Task A_value_that_Npgsql_checks_late_is_named_at_once_by_the_server_and_by_verbs(string value)
    {
        string database = $"{await postgres.CreateDatabaseAsync()};{value};Password=hunter2";
        Stopwatch since = Stopwatch.StartNew();
        (await Refusal.OfAsync("--database", database)).ShouldStartWith("pgetcd: --database: a value in it cannot be used: ");
        (await Refusal.OfAsync("verify", "--database", database)).ShouldStartWith("pgetcd: --database: a value in it cannot be used: ");
        (await Refusal.OfAsync("import-kine", "--from", database)).ShouldStartWith("pgetcd: --from: a value in it cannot be used: ");
        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(25), "a bad value is not retried");
    }

    [Fact]
    public async Task A_host_that_does_not_exist_is_named() =>
        (await Refusal.OfAsync("--database", "Host=no-such-host.invalid;Username=etcd;Password=hunter2"))
            .ShouldMatch("^pgetcd: --database: (there is no host|no PostgreSQL answered at) 'no-such-host.invalid'");

    [Fact]
    public async Task Without_a_listener_it_gives_up_within_seconds()
    {
        int port = FreePort.Next();
        (await Refusal.OfAsync("--database", $"postgres://etcd:hunter2@127.0.0.1:{port}/etcd")).ShouldMatch(
            $@"^pgetcd: --database: no PostgreSQL answered at '127\.0\.0\.1' port {port} within 5 s \(Connection refused\)\.$");
    }

    [Fact]
    public async Task Without_a_listener_on_several_hosts_it_gives_up_within_seconds() =>
        (await Refusal.OfAsync("--database", $"postgres://etcd:hunter2@127.0.0.1:{FreePort.Next()},127.0.0.1:{FreePort.Next()}/etcd"))
            .ShouldStartWith("pgetcd: --database: no PostgreSQL answered at '127.0.0.1:");

    [Fact]
    public async Task It_waits_for_a_database_that_starts_a_moment_later()
    {
        await using PostgresServer own = await PostgresServer.StartAsync();
        await own.StopAsync();
        Task<PgEtcdServer> starting = PgEtcdServer.StartAsync(own.ConnectionString());
        await own.RestartAsync();
        await using PgEtcdServer server = await starting;
    }

    [Fact]
    public async Task A_wrong_password_a_missing_one_an_unknown_user_and_an_unknown_database_are_named()
    {
        await using PostgresServer own = await PostgresServer.StartAsync();
        await Sql.ExecuteAsync(own.ConnectionString(), "create role etcd login password 'right'");
        await File.WriteAllTextAsync(
            Path.Combine(own.DataDirectory, "pg_hba.conf"),
            "local all all trust\nhost all postgres all trust\nhost all all all scram-sha-256\n");
        await Sql.ExecuteAsync(own.ConnectionString(), "select pg_reload_conf()");
        string address = string.Create(CultureInfo.InvariantCulture, $"Host=127.0.0.1;Port={own.Port};Database=postgres");
        await Eventually.TrueAsync(
            async () => await Record.ExceptionAsync(
                () => Sql.ExecuteAsync($"{address};Username=etcd;Password=hunter2", "select 1")) is PostgresException,
            "PostgreSQL has read pg_hba.conf");

        (await Refusal.OfAsync("--database", $"{address};Username=etcd;Password=hunter2")).ShouldBe(
            "pgetcd: --database: PostgreSQL refused the connection: password authentication failed for user \"etcd\".");
        (await Refusal.OfAsync("--database", $"{address};Username=nobody;Password=hunter2")).ShouldBe(
            "pgetcd: --database: PostgreSQL refused the connection: password authentication failed for user \"nobody\".");
        (await Refusal.OfAsync("--database", $"{address};Username=etcd")).ShouldStartWith(
            "pgetcd: --database: the connection cannot be used: No password has been provided");
        (await Refusal.OfAsync("--database", own.ConnectionString("missing"))).ShouldBe(
            "pgetcd: --database: PostgreSQL refused the connection: database \"missing\" does not exist.");
        (await Refusal.OfAsync("--database", $"{address};Username=etcd;Password=hunter2;SSL Mode=Require"))
            .ShouldStartWith("pgetcd: --database: ");
    }

    [Theory]
    [InlineData(
        "my schema",
        "--schema must consist of letters, digits, underscores and hyphens and not start with a digit or hyphen, not \"my schema\".")]
    [InlineData(
        "1st", "--schema must consist of letters, digits, underscores and hyphens and not start with a digit or hyphen, not \"1st\".")]
    [InlineData("a\";drop table x", "--schema must consist of letters")]
    [InlineData("pg_catalog", "--schema must not be \"pg_catalog\"")]
    [InlineData("a\nb", "--schema must not contain control characters.")]
    public async Task An_invalid_schema_name_is_refused(string schema, string sentence) =>
        (await Refusal.OfAsync("--database", "Host=127.0.0.1", "--schema", schema)).ShouldStartWith(sentence);

    [Fact]
    public async Task A_schema_that_the_user_may_not_create_read_or_change_is_named()
    {
        string database = await postgres.CreateDatabaseAsync();
        string user = $"user_{Guid.NewGuid():N}";
        await Sql.ExecuteAsync(database, $"create role {user} login");
        string theirs = new NpgsqlConnectionStringBuilder(database) { Username = user }.ConnectionString;
        (await Refusal.OfAsync("--database", theirs)).ShouldStartWith(
            "pgetcd: --schema: the database user may not create or change schema 'pgetcd': permission denied for database test_");

        await using (PgEtcdServer owner = await PgEtcdServer.StartAsync(database))
        {
            await owner.StopAsync();
        }

        (await Refusal.OfAsync("--database", theirs)).ShouldBe(
            "pgetcd: --schema: the database user may not create or change schema 'pgetcd': permission denied for schema pgetcd.");
        await Sql.ExecuteAsync(database, $"grant usage on schema pgetcd to {user}; grant select on pgetcd.migrations to {user}");
        (await Refusal.OfAsync("--database", theirs)).ShouldStartWith(
            "pgetcd: --schema: the database user may not use all of schema 'pgetcd': permission denied for ");
        await Sql.ExecuteAsync(
            database, $"select pgetcd.grant_server('{user}'); revoke select on pgetcd.revisions from {user}");
        (await Refusal.OfAsync("--database", theirs)).ShouldBe(
            "pgetcd: --schema: the database user may not use all of schema 'pgetcd': permission denied for table revisions.");
    }

    [Fact]
    public async Task A_schema_of_a_newer_pgetcd_is_refused()
    {
        string database = await postgres.CreateDatabaseAsync();
        await using (PgEtcdServer owner = await PgEtcdServer.StartAsync(database))
        {
            await owner.StopAsync();
        }

        await Sql.ExecuteAsync(database, "insert into pgetcd.migrations (number, name) values (9000, '9000_future.sql')");
        (await Refusal.OfAsync("--database", database)).ShouldMatch(
            "^pgetcd: --schema: 'pgetcd' was written by a newer pgetcd "
            + ".schema version 9000, this binary knows [0-9]+.; upgrade this frontend.$");
    }

    [Fact]
    public async Task A_read_only_database_is_refused()
    {
        await using PostgresServer own = await PostgresServer.StartAsync();
        await Sql.ReadOnlyAsync(own, on: true);
        (await Refusal.OfAsync("--database", own.ConnectionString())).ShouldBe(
            "pgetcd: --database: PostgreSQL refused the work on schema 'pgetcd': cannot execute CREATE SCHEMA in a read-only transaction.");
    }
}
