using Npgsql;
using PgEtcd.BlackBox.Tests.Http;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Roles;

/// <summary>Settings of the database that would harm a frontend (fault B10).</summary>
public sealed class RoleSettingsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Harmful =
    [
        "default_transaction_isolation = 'repeatable read'", "synchronous_commit = off", "lock_timeout = '20ms'",
        "statement_timeout = '1s'",
    ];

    [Fact]
    public async Task They_do_not_apply_to_the_sessions_of_a_frontend()
    {
        string database = await SetAsync();
        await using PgEtcdServer one = await PgEtcdServer.StartAsync(database, name: "one");
        await using PgEtcdServer other = await PgEtcdServer.StartAsync(database, name: "other");
        await using Kv first = new(one);
        await using Kv second = new(other);
        await Task.WhenAll(Enumerable.Range(0, 400).Select(i => (i % 2 == 0 ? first : second).PutAsync("contended", $"{i}")));

        // Both wait for the lock, longer than the limits of the database.
        Task[] waiting;
        await using (await LogLock.TakeAsync(database))
        {
            waiting = [first.PutAsync("waits", "1"), second.PutAsync("waits", "2")];
            await Task.Delay(TimeSpan.FromSeconds(1.5)); // no event to wait for, as nothing may happen
        }

        await Task.WhenAll(waiting);
        using HttpProbe http = new(one.ClientUrl);
        (await http.GetAsync("/readyz?verbose")).Text.ShouldNotContain("[!]");
    }

    [SkippableFact]
    public async Task Behind_a_pooler_they_cause_a_warning()
    {
        PgBouncer.Require();
        string direct = await SetAsync();
        await using PgBouncer bouncer = await PgBouncer.StartAsync(postgres.Server);
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            bouncer.ConnectionString(new NpgsqlConnectionStringBuilder(direct).Database!) + ";Max Auto Prepare=0");
        server.Expect("The database's settings are not what a frontend needs", "PostgreSQL does not answer, trying again");
        await server.SaysAsync("default_transaction_isolation is repeatable read, so every write fails; "
            + "synchronous_commit is off, so acknowledged writes can be lost");
        using HttpProbe http = new(server.ClientUrl);
        HttpProbe.Answer ready = await http.GetAsync("/readyz?verbose");
        ready.Status.ShouldBe(200);
        ready.Text.ShouldContain("[!]lock_timeout is 20ms, so writes that wait for others are repeated\n");
    }

    private async Task<string> SetAsync()
    {
        string database = await postgres.CreateStoreAsync();
        string name = new NpgsqlConnectionStringBuilder(database).Database!;
        foreach (string setting in Harmful)
        {
            await Sql.ExecuteAsync(database, $"alter database {name} set {setting}");
        }

        return database;
    }
}
