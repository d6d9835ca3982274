using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;
using static PgEtcd.Postgres.Tests.Sql.StateRows;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The archive over months (design §8).</summary>
public sealed class RetentionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int Days = 100;
    private const int Kept = 30;

    private static readonly DateTime Start = new(2025, 12, 1, 12, 0, 0, DateTimeKind.Utc);
    private static readonly string[] Keys = ["a", "b", "c", "d"];

    [Fact]
    public async Task For_months_the_last_thirty_days_stay_readable_and_older_rows_are_dropped()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await FakeClockAsync(log);
        Random random = new(11);
        List<(DateTime Since, KeySpace State)> states = [(DateTime.MinValue, KeySpace.Empty)];
        for (int day = 0; day < Days; day++)
        {
            DateTime today = Start.AddDays(day);
            await SetClockAsync(log, today.AddHours(-1));
            await log.Removal.KeepArchiveAsync(TimeSpan.FromDays(Kept), CancellationToken.None);
            for (int i = 0; i < 4; i++)
            {
                DateTime now = today.AddMinutes(i);
                await SetClockAsync(log, now);
                string key = Keys[random.Next(Keys.Length)];
                await log.WriteAsync(random.Next(4) == 0 ? Delete(key) : Put(key), isYoung: true);
                if (log.State.Revision > states[^1].State.Revision)
                {
                    states.Add((now, log.State));
                }
            }

            await SetClockAsync(log, today.AddHours(1));
            if (log.State.Revision > log.State.CompactRevision)
            {
                await log.CompactAsync(log.State.Revision);
                (await log.RemoveAsync(toArchive: true)).ShouldBe(RemovalOutcome.Finished);
            }

            if (day % 20 == 19)
            {
                await CheckAsync(log, states, today.AddHours(1));
            }
        }

        (await log.Log.QueryAsync<long>("select count(*) from pg_inherits where inhparent = 'pgetcd.revisions_archive'::regclass"))[0]
            .ShouldBeInRange(Kept + 1, Kept + 3);
        (await log.Log.QueryAsync<long>("select count(*) from pgetcd.archive_days"))[0].ShouldBeInRange(Kept - 5, Kept + 3);
        (await log.Log.QueryAsync<DateTime>("select min(compacted_at) from pgetcd.compactions"))[0].ShouldBeGreaterThan(
            Start.AddDays(Days - Kept - 2));
    }

    private static async Task CheckAsync(RemovalFixture log, List<(DateTime Since, KeySpace State)> states, DateTime now)
    {
        int lost = 0;
        for (int i = 0; i < states.Count; i++)
        {
            DateTime until = i + 1 < states.Count ? states[i + 1].Since : now;
            string query = $"state_at({states[i].State.Revision})";
            if (until > now.AddDays(-Kept))
            {
                (await RowsAsync(log, query)).ShouldBe(Rows(states[i].State, _ => true), $"{now}, revision {states[i].State.Revision}");
                (await RowsAsync(log, $"state_at(timestamptz '{until.AddSeconds(-1):yyyy-MM-dd HH:mm:ss}+00')")).ShouldBe(
                    Rows(states[i].State, _ => true));
            }
            else if (until < now.AddDays(-Kept - 3))
            {
                (await Should.ThrowAsync<PostgresException>(() => RowsAsync(log, query))).SqlState.ShouldBe("PE001");
                lost++;
            }
        }

        (lost > 0).ShouldBe(now > Start.AddDays(Kept + 5));
    }

    /// <summary>Makes all functions read the time from a table.</summary>
    private static async Task FakeClockAsync(RemovalFixture log)
    {
        await log.ExecuteAsync($"""
            create schema fake;
            create table fake.clock (at timestamptz);
            insert into fake.clock values ('{Start:yyyy-MM-dd HH:mm:ss}+00');
            create function fake.clock_timestamp() returns timestamptz language sql volatile as 'select at from fake.clock';
            create function fake.now() returns timestamptz language sql volatile as 'select at from fake.clock';
            alter table pgetcd.revisions_archive alter column removed_at set default fake.clock_timestamp();
            alter table pgetcd.compactions alter column compacted_at set default fake.clock_timestamp();
            do $$
            declare
                pinned regprocedure;
            begin
                for pinned in select p.oid from pg_proc p where p.pronamespace = 'pgetcd'::regnamespace and p.prosqlbody is null loop
                    execute format('alter function %s set search_path = fake, pg_catalog, pg_temp', pinned);
                end loop;
            end
            $$
            """);
    }

    private static Task SetClockAsync(RemovalFixture log, DateTime at) =>
        log.ExecuteAsync($"update fake.clock set at = '{at:yyyy-MM-dd HH:mm:ss}+00'");
}
