using Dapper;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The lock that puts appends in order belongs to one schema and its owner (fault B9: any role could take it unnoticed, and two
/// schemas whose names have the same hash shared it).</summary>
public sealed class AppendLockTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Schemas_whose_names_have_the_same_hash_share_nothing()
    {
        await using LogFixture one = await CreateAsync(postgres, "s14208");
        await using Database other = one.Open("s189525");
        (await one.QueryAsync<bool>("select hashtext('s14208') = hashtext('s189525')")).ShouldBe([true]);
        await using NpgsqlConnection holder = await one.Database.OpenAsync(CancellationToken.None);
        await holder.ExecuteAsync("begin; lock table s14208.migrations in exclusive mode; select s14208.put('a', '1')");
        Task<AppendResult> waiting = one.AppendAsync(Puts(1, "a=1"));
        await one.LockHolderAsync();

        await Migrator(other).MigrateAsync(CancellationToken.None).WaitAsync(Soon);
        await using NpgsqlConnection listener = await other.OpenAsync(CancellationToken.None);
        List<string> heard = [];
        listener.Notification += (_, notification) => heard.Add(notification.Payload);
        await listener.ExecuteAsync("listen s189525");
        RevisionLog log = new(other, "there");
        (await log.AppendAsync(Puts(1, "b=1"), _ => { }, CancellationToken.None).WaitAsync(Soon)).Outcome.ShouldBe(AppendOutcome.Appended);
        (await new AppendLockTable(other).HolderAsync(CancellationToken.None)).ShouldBeNull();
        await listener.ExecuteAsync("select 1");
        heard.Count.ShouldBe(1);

        await holder.ExecuteAsync("commit");
        (await waiting).Outcome.ShouldBe(AppendOutcome.Conflict);
        await listener.ExecuteAsync("select 1");
        heard.Count.ShouldBe(1);
    }

    [Fact]
    public async Task A_role_without_rights_takes_no_lock_that_a_write_waits_for()
    {
        await using LogFixture log = await CreateAsync(postgres);
        string role = $"stranger_{Guid.NewGuid():N}";
        await log.QueryAsync<object>(
            $"create role {role} login; grant usage on schema pgetcd to {role}; select pgetcd.grant_auditor('{role}')");
        try
        {
            await using NpgsqlConnection stranger = new(
                new NpgsqlConnectionStringBuilder(log.ConnectionString) { Username = role, Pooling = false }.ConnectionString);
            await stranger.OpenAsync();
            foreach (string mode in (string[])["access share", "row share", "share update exclusive", "exclusive", "access exclusive"])
            {
                (await Should.ThrowAsync<PostgresException>(
                    () => stranger.ExecuteAsync($"begin; lock table pgetcd.append_lock in {mode} mode")))
                    .SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, mode);
                await stranger.ExecuteAsync("rollback");
            }

            await stranger.ExecuteAsync("""
                select pg_advisory_lock(1885828452, hashtext('pgetcd')), pg_advisory_lock(1885828453, hashtext('pgetcd')),
                    pg_advisory_lock('pgetcd.append_lock'::regclass::oid::bigint)
                """);

            (await log.AppendAsync(Puts(1, "a=1")).WaitAsync(Soon)).Outcome.ShouldBe(AppendOutcome.Appended);
            await log.QueryAsync<object>("update pgetcd.migrations set name = 'other' where number = 0");
            (await Migrator(log.Database).MigrateAsync(CancellationToken.None).WaitAsync(Soon)).Functions.ShouldNotBeEmpty();
        }
        finally
        {
            await log.QueryAsync<object>($"drop owned by {role}; drop role {role}");
        }
    }

    [Theory]
    [InlineData("select pgetcd.put('a', '1')", true)]
    [InlineData("select pgetcd.lock_and_tail(1)", false)]
    [InlineData("select pgetcd.compact(1)", false)]
    [InlineData("lock table pgetcd.append_lock", false)]
    public async Task The_holder_is_named_however_it_took_the_lock(string take, bool isWriter)
    {
        await using LogFixture log = await CreateAsync(postgres);
        await using NpgsqlConnection holder = await log.Database.OpenAsync(CancellationToken.None);
        await holder.ExecuteAsync($"begin; {take}");
        Task<AppendResult> waiting = log.AppendAsync(Puts(1, "b=1"));
        LockHolder held = await log.LockHolderAsync();
        (held.Pid, held.IsWriter).ShouldBe((holder.ProcessID, isWriter));
        await holder.ExecuteAsync("rollback");
        await waiting;
        (await new AppendLockTable(log.Database).HolderAsync(CancellationToken.None)).ShouldBeNull();
    }

    /// <summary>A compaction waits for a session that has changed the row of the cluster, and all writes wait for the compaction.</summary>
    [Fact]
    public async Task A_session_that_blocks_the_holder_is_named_in_its_place()
    {
        await using LogFixture log = await CreateAsync(postgres);
        await using Database second = new(log.ConnectionString, log.Database.Schema, NullLoggerFactory.Instance);
        await log.AppendAsync(Puts(1, "a=1", "a=2"));
        await using NpgsqlConnection culprit = await log.Database.OpenAsync(CancellationToken.None);
        await culprit.ExecuteAsync("begin; update pgetcd.cluster set term = term");
        Task<CompactOutcome> compacting = log.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None);
        await Testing.Eventually.TrueAsync(
            async () => (await log.QueryAsync<long>(
                "select count(*) from pg_locks where locktype = 'transactionid' and not granted"))[0] > 0,
            Soon,
            "it waits");
        Task<AppendResult> waiting = new RevisionLog(second, "second").AppendAsync(Puts(3, "b=1"), _ => { }, CancellationToken.None);

        (await log.LockHolderAsync()).Pid.ShouldBe(culprit.ProcessID);
        await culprit.ExecuteAsync("rollback");
        (await compacting).ShouldBe(CompactOutcome.Compacted);
        (await waiting).Outcome.ShouldBe(AppendOutcome.Conflict);
    }
}
