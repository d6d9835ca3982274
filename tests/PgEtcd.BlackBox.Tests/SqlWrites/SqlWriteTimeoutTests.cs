using System.Diagnostics;
using Grpc.Core;
using Npgsql;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.SqlWrites;

/// <summary>An SQL transaction that holds the append lock for too long is ended, so that the cluster keeps working.</summary>
public sealed class SqlWriteTimeoutTests(SqlWriteTimeoutTests.Impatient impatient, PostgresFixture postgres)
    : IClassFixture<SqlWriteTimeoutTests.Impatient>, IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData("begin; select pgetcd.put('a', 'no')", "", true)]
    [InlineData("begin; select pgetcd.put('a', 'no')", "select pg_sleep(60)", false)]
    // A statement that ignores its cancellation is ended with its session.
    [InlineData(
        "begin; select pgetcd.put('a', 'no')",
        "do $$ begin loop begin perform pg_sleep(60); exception when query_canceled then null; end; end loop; end $$", true)]
    public async Task A_transaction_that_holds_up_writes_is_ended_and_they_continue(string enter, string stay, bool isEnded)
    {
        (PgEtcdServer server, Kv kv) = (impatient.Server, impatient.Kv);
        await kv.DeleteAsync(Kv.End, Kv.End);
        long start = await kv.RevisionAsync();
        server.Expect("has held the append lock for");
        // Each case waits for the line that it counts, so that the next one does not see it late.
        string line = isEnded ? "it is ended" : "its statement is cancelled";
        int before = server.CountOf(line);
        await using NpgsqlConnection holder = await OpenAsync(impatient.Database);
        Stopwatch since = Stopwatch.StartNew();
        await RunAsync(holder, enter);
        Task staying = stay.Length > 0 ? RunAsync(holder, stay) : Task.CompletedTask;

        (await kv.SendAsync(Kv.Put("b", "1"), Eventually.Patience)).Header.Revision.ShouldBe(start + 1);
        since.Elapsed.ShouldBeGreaterThan(TimeSpan.FromMilliseconds(400));

        await server.SaysAsync(line, before + 1);
        Exception? cut = await Record.ExceptionAsync(() => stay.Length > 0 ? staying : RunAsync(holder, "commit"));
        if (isEnded)
        {
            cut.ShouldBeAssignableTo<NpgsqlException>();
            server.Output.ShouldContain("has held the append lock for");
        }
        else
        {
            cut.ShouldBeOfType<PostgresException>().SqlState.ShouldBe(PostgresErrorCodes.QueryCanceled);
            await RunAsync(holder, "rollback; select pgetcd.put('c', '1')"); // the session is still alive
            await kv.DeleteAsync("c");
        }

        (await kv.AllAsync()).ShouldBe(["b=1"]);
    }

    /// <summary>Fault B9: the guard recognised only holders that use the functions for changing keys; one may have the frontends' role.
    /// </summary>
    [Theory]
    [InlineData("lock table pgetcd.append_lock", "", false)]
    [InlineData(
        "select count(*) from pgetcd.lock_and_tail(1); set local idle_in_transaction_session_timeout = 0", "select pg_sleep(120)", true)]
    public async Task A_session_that_holds_the_lock_in_another_way_is_ended_too(string enter, string stay, bool isServer)
    {
        string database = await postgres.CreateStoreAsync();
        string role = $"lock_server_{Guid.NewGuid():N}";
        await Sql.ExecuteAsync(database, $"create role {role} login; select pgetcd.grant_server('{role}')");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            database, "pgetcd", "default", null, "--sql-write-timeout", "300ms");
        server.Expect("has held the append lock for", "PostgreSQL does not answer, trying again");
        await using Kv kv = new(server);
        await using NpgsqlConnection holder = await OpenAsync(
            isServer ? new NpgsqlConnectionStringBuilder(database) { Username = role }.ConnectionString : database);
        await RunAsync(holder, $"begin; {enter}");
        Task staying = stay.Length > 0 ? RunAsync(holder, stay) : Task.CompletedTask;

        // etcd's timeout comes first, and clients retry.
        await Eventually.TrueAsync(async () => await Record.ExceptionAsync(() => kv.PutAsync("c", "1")) is null, "writes go on");
        await server.SaysAsync(isServer ? "its statement is cancelled" : "it is ended");
        _ = await Record.ExceptionAsync(() => staying);
    }

    [Fact]
    public async Task A_short_transaction_and_one_that_blocks_no_write_are_left_alone()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            database, "pgetcd", "default", null, "--sql-write-timeout", "300ms");
        await using Kv kv = new(server);
        await using NpgsqlConnection holder = await OpenAsync(database);
        await RunAsync(holder, "begin; select pgetcd.put('a', '1')");
        await RunAsync(holder, "select pg_sleep(1.5)");
        await RunAsync(holder, "commit");
        (await kv.AllAsync()).ShouldBe(["a=1"]);
        server.Output.ShouldNotContain("append lock");
    }

    [Fact]
    public async Task Without_a_limit_clients_get_etcds_timeout_and_continue_afterwards()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, "pgetcd", "default", null, "--sql-write-timeout", "0");
        await using Kv kv = new(server);
        server.Expect("PostgreSQL does not answer, trying again .*: Timeout during reading attempt");
        await kv.PutAsync("b", "0");
        await using NpgsqlConnection holder = await OpenAsync(database);
        await RunAsync(holder, "begin; select pgetcd.put('a', '1')");

        RpcException refused = await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Kv.Put("b", "1"), Eventually.Patience));
        (refused.StatusCode, refused.Status.Detail).ShouldBe((StatusCode.Unavailable, "etcdserver: request timed out"));
        (await kv.ReadAsync("b")).ShouldBe(["b=0"]); // reads still succeed

        await RunAsync(holder, "commit");
        long revision = await kv.PutAsync("b", "2");
        (await kv.AllAsync()).ShouldBe(["a=1", "b=2"]);
        // The timed-out write may have happened or not; the revisions are consecutive in both cases.
        (await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions")).ShouldBe(revision - 1);
    }

    [Fact]
    public async Task A_frontend_without_the_right_to_end_the_session_warns()
    {
        string database = await postgres.CreateDatabaseAsync();
        string role = $"frontend_{Guid.NewGuid():N}";
        string name = new NpgsqlConnectionStringBuilder(database).Database!;
        await Sql.ExecuteAsync(database, $"create role {role} login password 'x'; grant create on database {name} to {role}");
        try
        {
            string asRole = new NpgsqlConnectionStringBuilder(database) { Username = role, Password = "x" }.ConnectionString;
            await using PgEtcdServer server = await PgEtcdServer.StartAsync(
                asRole, "pgetcd", "default", null, "--sql-write-timeout", "300ms");
            await using Kv kv = new(server);
            await using NpgsqlConnection holder = await OpenAsync(database);
            server.Expect("may not end it");
            await RunAsync(holder, "begin; select pgetcd.put('a', '1')");
            Task waiting = kv.PutAsync("b", "1");
            await server.SaysAsync("may not end it");
            await server.SaysAsync("pg_signal_backend");
            await RunAsync(holder, "commit");
            await waiting;
            (await kv.AllAsync()).ShouldBe(["a=1", "b=1"]);
        }
        finally
        {
            await Sql.ExecuteAsync(database, $"drop owned by {role} cascade; drop role {role}");
        }
    }

    private static async Task<NpgsqlConnection> OpenAsync(string database)
    {
        NpgsqlConnection connection = new(
            new NpgsqlConnectionStringBuilder(database) { Pooling = false, CommandTimeout = 60 }.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private static async Task RunAsync(NpgsqlConnection connection, string sql)
    {
        await using NpgsqlCommand command = new(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>A server with a short limit.</summary>
    public sealed class Impatient() : OneServer(["--sql-write-timeout", "500ms"]);
}
