using System.Globalization;
using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>Changes from SQL keep the invariants of the log (design §2) in the caller's own transaction.</summary>
public sealed class SqlWriteTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Rows = """
        select format(
            '%s %s=%s %s/%s %s',
            revision, pgetcd.as_text(key), coalesce(pgetcd.as_text(value), '-'), create_revision, version, frontend)
        from pgetcd.revisions order by revision, sub
        """;

    [Theory]
    [InlineData("pgetcd")]
    [InlineData("My-schema")]
    public async Task Puts_and_deletes_continue_the_revisions_and_versions_of_frontends(string schema)
    {
        await using LogFixture log = await CreateAsync(postgres, schema);
        await log.AppendAsync(Puts(1, "a=1"));
        (await log.QueryAsync<long?>("select pgetcd.put('a', '2')")).ShouldBe([3]);
        (await log.QueryAsync<long?>(@"select pgetcd.put('\x62'::bytea, '\x32'::bytea)")).ShouldBe([4]);
        (await log.QueryAsync<long?>("select pgetcd.delete('a')")).ShouldBe([5]);
        (await log.QueryAsync<long?>("select pgetcd.delete('a')")).ShouldBe([null]);
        (await log.QueryAsync<long?>(@"select pgetcd.delete('\x78'::bytea)")).ShouldBe([null]);
        (await log.QueryAsync<long?>("select pgetcd.put('a', '')")).ShouldBe([6]);
        (await log.AppendAsync(Puts(6, "c=3"))).Position.Revision.ShouldBe(7);
        (await log.QueryAsync<string>(Rows)).Select(row => row.Split("here-")[0]).ShouldBe(
            ["2 a=1 2/1 ", "3 a=2 2/2 sql", "4 b=2 4/1 sql", "5 a=- 0/0 sql", "6 a= 6/1 sql", "7 c=3 7/1 "]);
        // PostgreSQL in a container sees the address of its gateway.
        (await log.QueryAsync<string>(
                "select distinct format('%s %s', username, client ~ '^ipv4:[0-9.]+:[0-9]+$') from pgetcd.history where frontend = 'sql'"))
            .ShouldBe(["postgres t"]);
    }

    [Fact]
    public async Task A_failed_comparison_changes_nothing()
    {
        await using LogFixture log = await CreateAsync(postgres);
        (await log.QueryAsync<long?>("select pgetcd.compare_and_put('a', 1, 'x')")).ShouldBe([null]);
        (await log.QueryAsync<long?>("select pgetcd.compare_and_put('a', 0, 'x')")).ShouldBe([2]);
        (await log.QueryAsync<long?>("select pgetcd.compare_and_put('a', 0, 'y')")).ShouldBe([null]);
        (await log.QueryAsync<long?>(@"select pgetcd.compare_and_put('\x61'::bytea, 2, '\x79'::bytea)")).ShouldBe([3]);
        await log.QueryAsync<long?>("select pgetcd.delete('a')");
        (await log.QueryAsync<long?>("select pgetcd.compare_and_put('a', 4, 'z')")).ShouldBe([null]);
        (await log.QueryAsync<long?>("select pgetcd.compare_and_put('a', 0, 'z')")).ShouldBe([5]);
    }

    [Fact]
    public async Task Only_the_keys_with_the_prefix_are_deleted_in_one_revision()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.QueryAsync<long>("select pgetcd.put(k, 'v') from unnest(array['p', 'p/b', 'p/a', 'p/gone', 'p0', 'q']) k");
        await log.QueryAsync<long>("select pgetcd.delete('p/gone')");
        (await log.QueryAsync<long?>("select pgetcd.delete_prefix('p/')")).ShouldBe([9]);
        (await log.QueryAsync<long?>("select pgetcd.delete_prefix('p/')")).ShouldBe([null]);
        (await log.QueryAsync<string>(
            "select format('%s %s %s %s', key_text, mod_revision, sub, tombstone) from pgetcd.history where mod_revision = 9 order by sub"))
            .ShouldBe(["p/a 9 0 t", "p/b 9 1 t"]);
        (await log.QueryAsync<string>("select key_text from pgetcd.current_state order by 1")).ShouldBe(["p", "p0", "q"]);
        (await log.QueryAsync<long?>("select pgetcd.put('p/a', 'v')")).ShouldBe([10]);
        (await log.QueryAsync<long?>(@"select pgetcd.delete_prefix('\x'::bytea)")).ShouldBe([11]);
        (await log.QueryAsync<long>("select count(*) from pgetcd.current_state")).ShouldBe([0]);
    }

    [Fact]
    public async Task Invariant2_no_gaps_after_a_rollback_to_a_savepoint_or_altogether()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await using NpgsqlConnection connection = await log.Database.OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync("""
            begin;
            select pgetcd.put('a', '1');
            savepoint one;
            select pgetcd.put('a', 'no');
            select pgetcd.delete_prefix('');
            rollback to one;
            select pgetcd.put('a', '2');
            savepoint two;
            select pgetcd.put('b', '1');
            release two;
            commit;
            begin; select pgetcd.put('a', 'no'); rollback;
            """);
        // The lock taken after the savepoint is released with it, and another writer comes in between.
        await connection.ExecuteAsync("begin; savepoint one; select pgetcd.put('a', 'no'); select pgetcd.put('b', 'no'); rollback to one");
        (await log.AppendAsync(Puts(4, "c=1"))).Position.Revision.ShouldBe(5);
        await connection.ExecuteAsync("select pgetcd.put('b', '2'); commit");
        (await log.QueryAsync<string>(Rows)).Select(row => row.Split(' ')[..3]).Select(row => string.Join(' ', row)).ShouldBe(
            ["2 a=1 2/1", "3 a=2 2/2", "4 b=1 4/1", "5 c=1 5/1", "6 b=2 4/2"]);
        (await log.QueryAsync<long>("select last_value from pgetcd.revision_seq")).ShouldBe([6]);
    }

    [Fact]
    public async Task Etcds_rules_hold_with_etcds_errors()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await new LeaseTable(log.Database).GrantAsync(7, 60, Guid.NewGuid(), CancellationToken.None);
        await ErrorAsync(log, "put('', 'x')", "PE004", "etcdserver: key is not provided");
        await ErrorAsync(log, "delete('')", "PE004", "etcdserver: key is not provided");
        await ErrorAsync(log, "put(null::text, 'x')", "PE004", "etcdserver: key is not provided");
        await ErrorAsync(log, "put('a', null)", "22004", "no value or no lease is given");
        await ErrorAsync(log, "compare_and_put('a', null, 'x')", "22004", "no expected revision, value or lease is given");
        await ErrorAsync(log, "delete_prefix(null::text)", "22004", "no prefix is given");
        await ErrorAsync(log, "put('a', 'x', 8)", "PE003", "etcdserver: requested lease not found");
        await ErrorAsync(log, "put('a', repeat('x', 1572864))", "PE005", "etcdserver: request is too large");
        (await log.QueryAsync<long?>("select pgetcd.put('a', repeat('x', 1572863), 7)")).ShouldBe([2]);
        (await log.QueryAsync<string>("select format('%s %s %s', lease, lease_hex, key_text) from pgetcd.lease_keys")).ShouldBe(["7 7 a"]);
        (await log.QueryAsync<string>("select format('%s %s %s', id, ttl, expires_in > '50 s') from pgetcd.active_leases"))
            .ShouldBe(["7 60 t"]);
        await ErrorAsync(log, "compare_and_put('b', 0, 'x', 8)", "PE003", "etcdserver: requested lease not found");
    }

    [Fact]
    public async Task A_raised_alarm_refuses_the_same_requests_as_in_etcd()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await log.QueryAsync<long>("select pgetcd.put('a', 'x')");
        await log.QueryAsync<long>("alter table pgetcd.cluster add column if not exists alarms smallint not null default 0");
        await log.QueryAsync<long>("update pgetcd.cluster set alarms = 1");
        await ErrorAsync(log, "put('a', 'y')", "PE006", "etcdserver: mvcc: database space exceeded");
        (await log.QueryAsync<long?>("select pgetcd.delete('a')")).ShouldBe([3]);
        await log.QueryAsync<long>("update pgetcd.cluster set alarms = 2");
        await ErrorAsync(log, "delete('a')", "PE007", "etcdserver: corrupt cluster");
        await ErrorAsync(log, "delete_prefix('a')", "PE007", "etcdserver: corrupt cluster");
    }

    [Theory]
    [InlineData("repeatable read")]
    [InlineData("serializable")]
    public async Task Invariant1_order_is_commit_order_so_a_snapshot_older_than_the_log_is_refused(string isolation)
    {
        await using LogFixture log = await CreateAsync(postgres);
        await using NpgsqlConnection connection = await log.Database.OpenAsync(CancellationToken.None);
        PostgresException error = await Should.ThrowAsync<PostgresException>(() =>
            connection.ExecuteAsync($"begin isolation level {isolation}; select pgetcd.put('a', 'x')"));
        error.SqlState.ShouldBe(PostgresErrorCodes.InvalidTransactionState);
        error.MessageText.ShouldBe($"keys can be changed only in a read committed transaction, this one is {isolation}");
        await connection.ExecuteAsync("rollback");
    }

    [Fact]
    public async Task Invariant1_order_is_commit_order_for_SQL_writers_and_frontends_together()
    {
        await using LogFixture log = await CreateAsync(postgres);
        Task[] sql = [.. Enumerable.Range(0, 3).Select(async writer =>
        {
            await using NpgsqlConnection connection = await log.Database.OpenAsync(CancellationToken.None);
            for (int i = 0; i < 40; i++)
            {
                await connection.ExecuteAsync(string.Create(CultureInfo.InvariantCulture, $"""
                    begin;
                    select pgetcd.put('shared', '{writer}');
                    savepoint s; select pgetcd.put('no', '{i}'); rollback to s;
                    select pgetcd.put('own{writer}', '{i}');
                    {(i % 4 == 3 ? "rollback" : "commit")};
                    """));
            }
        })];
        Task[] frontends = [.. Enumerable.Range(0, 2).Select(async writer =>
        {
            RevisionLog elsewhere = new(log.Database, $"writer{writer}");
            long head = 1;
            for (int written = 0; written < 30;)
            {
                AppendResult result = await elsewhere.AppendAsync(Puts(head, $"f{writer}-{written}=x"), _ => { }, CancellationToken.None);
                head = result.Position.Revision;
                written += result.Outcome == AppendOutcome.Appended ? 1 : 0;
            }
        })];
        await Task.WhenAll([.. sql, .. frontends]);

        (await log.QueryAsync<long>("select revision from pgetcd.revisions order by 1"))
            .ShouldBe(Enumerable.Range(2, (3 * 30 * 2) + 60).Select(revision => (long)revision));
        (await log.QueryAsync<long>("""
            select count(*) from pgetcd.revisions a join pgetcd.revisions b on b.revision = a.revision + 1
            where b.committed_at < a.committed_at
            """)).ShouldBe([0]);
        (await log.QueryAsync<long>("""
            select count(*) from (
                select version <> row_number() over w or create_revision <> first_value(revision) over w as is_wrong
                from pgetcd.revisions window w as (partition by key order by revision)) v
            where is_wrong
            """)).ShouldBe([0]);
    }

    [Fact]
    public async Task Invariant4_one_commit_per_batch_and_listeners_hear_of_it_once()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await using NpgsqlConnection listener = await log.Database.OpenAsync(CancellationToken.None);
        await using NpgsqlConnection writer = await log.Database.OpenAsync(CancellationToken.None);
        List<string> heard = [];
        listener.Notification += (_, notification) => heard.Add(notification.Payload);
        await listener.ExecuteAsync("listen pgetcd");
        await writer.ExecuteAsync("begin; select pgetcd.put('a', '1'); rollback");
        await writer.ExecuteAsync("begin; select pgetcd.put('a', '1'), pgetcd.put('b', '1'); select pgetcd.delete('a')");
        await listener.ExecuteAsync("select 1");
        heard.ShouldBeEmpty();
        await writer.ExecuteAsync("commit");
        await listener.ExecuteAsync("select 1");
        heard.ShouldBe(["sql"]);
        log.Log.IsOwn(heard[0]).ShouldBeFalse();
    }

    [Fact]
    public async Task A_holder_that_blocks_others_is_named_and_can_be_ended()
    {
        await using LogFixture log = await CreateAsync(postgres);
        AppendLockTable table = new(log.Database);
        await using NpgsqlConnection holder = new(
            new NpgsqlConnectionStringBuilder(log.ConnectionString) { ApplicationName = "shop", Pooling = false }.ConnectionString);
        await holder.OpenAsync();
        await holder.ExecuteAsync("begin; select pgetcd.put('a', '1')");
        (await table.HolderAsync(CancellationToken.None)).ShouldBeNull();

        Task<AppendResult> waiting = log.AppendAsync(Puts(1, "b=1"));
        LockHolder writer = await log.LockHolderAsync();
        (writer.Pid, writer.Application, writer.Username, writer.State, writer.IsWriter)
            .ShouldBe((holder.ProcessID, "shop", "postgres", "idle in transaction", true));
        (await table.TerminateAsync(writer with { Since = DateTime.UtcNow }, CancellationToken.None)).ShouldBeFalse();
        (await table.TerminateAsync(writer, CancellationToken.None)).ShouldBeTrue();
        (await waiting).Position.Revision.ShouldBe(2);

        // A frontend that holds the lock is recognised, whatever its application name.
        using SemaphoreSlim entered = new(0);
        using SemaphoreSlim leave = new(0);
        Task holding = Task.Run(() => log.Log.AppendLockedAsync(
            2,
            _ => { },
            position =>
            {
                entered.Release();
                leave.Wait(TimeSpan.FromSeconds(10));
                return null;
            },
            CancellationToken.None));
        await entered.WaitAsync();
        await using Database elsewhere = new(log.ConnectionString, log.Database.Schema, NullLoggerFactory.Instance);
        waiting = new RevisionLog(elsewhere, "elsewhere").AppendAsync(Puts(2, "c=1"), _ => { }, CancellationToken.None);
        (await log.LockHolderAsync()).IsWriter.ShouldBeFalse();
        leave.Release();
        await Task.WhenAny(holding); // a frontend may idle for two seconds only, and this machine may be slower
        (await waiting).Outcome.ShouldBe(AppendOutcome.Appended);
    }

    private static async Task ErrorAsync(LogFixture log, string call, string state, string message) =>
        (await Should.ThrowAsync<PostgresException>(() => log.QueryAsync<long?>($"select pgetcd.{call}")))
            .ShouldSatisfyAllConditions(error => error.SqlState.ShouldBe(state), error => error.MessageText.ShouldBe(message));
}
