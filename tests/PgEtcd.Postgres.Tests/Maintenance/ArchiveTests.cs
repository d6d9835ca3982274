using PgEtcd.Postgres.Maintenance;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Maintenance;

/// <summary>The archive of removed rows (design §8).</summary>
public sealed class ArchiveTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Theory]
    [InlineData("pgetcd")]
    [InlineData("My-schema")]
    public async Task Removed_rows_are_moved_and_the_history_shows_all(string schema)
    {
        await using RemovalFixture log = await CreateAsync(postgres, schema);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Delete("a"));
        await log.WriteAsync(Put("b"));
        await log.WriteAsync(Put("b"));
        await log.CompactAsync(5);
        await KeepAsync(log, days: 30);
        (await log.RemoveAsync(rows: 2, toArchive: true)).ShouldBe(RemovalOutcome.Finished);

        (await log.RowsAsync()).ShouldBe([new(5, 0, "b", false), new(6, 0, "b", false)]);
        (await log.RowsAsync("revisions_archive")).ShouldBe([new(2, 0, "a", false), new(3, 0, "a", false), new(4, 0, "a", true)]);
        (await log.Log.QueryAsync<long>("select mod_revision from pgetcd.history order by 1")).ShouldBe([2, 3, 4, 5, 6]);
    }

    [Fact]
    public async Task Partitions_are_created_ahead_and_dropped_when_all_their_rows_are_too_old()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await KeepAsync(log, days: 30);
        await KeepAsync(log, days: 30);
        DateTime today = (await log.Log.QueryAsync<DateTime>("select (clock_timestamp() at time zone 'UTC')::date::timestamp")).Single();
        (await PartitionsAsync(log)).ShouldBe([Name(today), Name(today.AddDays(1))]);

        // As a leader five weeks ago would have left them.
        foreach (int age in new[] { 29, 30, 31, 35 })
        {
            DateTime day = today.AddDays(-age);
            await log.ExecuteAsync($"""
                create table pgetcd.{Name(day)} partition of pgetcd.revisions_archive
                    for values from ('{day:yyyy-MM-dd} 00:00+00') to ('{day.AddDays(1):yyyy-MM-dd} 00:00+00')
                """);
        }

        await KeepAsync(log, days: 30);
        (await PartitionsAsync(log)).ShouldBe([Name(today.AddDays(-30)), Name(today.AddDays(-29)), Name(today), Name(today.AddDays(1))]);
        await KeepAsync(log, days: 1.0 / 24);
        (await PartitionsAsync(log)).ShouldBe([Name(today), Name(today.AddDays(1))]);

        static string Name(DateTime day) => $"revisions_archive_{day:yyyyMMdd}";
    }

    [Fact]
    public async Task Without_a_partition_nothing_is_removed_rather_than_lost()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await log.WriteAsync(Put("a"));
        await log.CompactAsync(3);
        await Should.ThrowAsync<Npgsql.PostgresException>(() => log.RemoveAsync(toArchive: true));
        (await log.RowsAsync()).Count.ShouldBe(2);
        await KeepAsync(log, days: 1);
        (await log.RemoveAsync(toArchive: true)).ShouldBe(RemovalOutcome.Finished);
        (await log.RowsAsync()).Count.ShouldBe(1);
    }

    private static Task KeepAsync(RemovalFixture log, double days) =>
        log.Removal.KeepArchiveAsync(TimeSpan.FromDays(days), CancellationToken.None);

    private static Task<List<string>> PartitionsAsync(RemovalFixture log) => log.Log.QueryAsync<string>("""
        select c.relname::text from pg_inherits i join pg_class c on c.oid = i.inhrelid
        where i.inhparent = 'pgetcd.revisions_archive'::regclass order by 1
        """);
}
