using Npgsql;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Maintenance;

/// <summary>The size of the store, and vacuuming.</summary>
public sealed class StorageTableTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>With short rows, with values stored out of line, and with both.</summary>
    [Theory]
    [InlineData(20_000, 100)]
    [InlineData(1_000, 5_000)]
    [InlineData(3, 10)]
    public async Task New_rows_are_in_use_and_deleted_ones_are_not(int rows, int valueBytes)
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres, "my-Store");
        StorageTable storage = new(fixture.Database);
        StorageReport empty = await storage.ReportAsync(CancellationToken.None);
        await ExecuteAsync(fixture, $"""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, client, frontend)
            select n, 0, convert_to('/registry/pods/default/' || n, 'utf8'), decode(repeat(md5(n::text), {valueBytes} / 16 + 1), 'hex'),
                n, 1, 0, clock_timestamp(), '127.0.0.1:50000', 'default-12345678' from generate_series(2, {rows} + 1) n
            """);

        StorageReport full = await storage.ReportAsync(CancellationToken.None);
        full.Total.ShouldBeGreaterThan(empty.Total);
        full.InUse.ShouldBeLessThanOrEqualTo(full.Total);
        full.Revision.ShouldBe(rows + 1);
        double added = full.InUse - empty.InUse;
        if (rows > 10)
        {
            (added / (full.Total - empty.Total)).ShouldBeInRange(0.75, 1.0);
        }

        await ExecuteAsync(fixture, $"delete from pgetcd.revisions where revision % 10 <> 0");
        StorageReport thinned = await storage.ReportAsync(CancellationToken.None);
        thinned.Total.ShouldBe(full.Total);
        ((thinned.InUse - empty.InUse) / added).ShouldBeInRange(rows > 10 ? 0.07 : 0, 0.13);

        await new Vacuum(fixture.Database).RunAsync(CancellationToken.None);
        (await storage.ReportAsync(CancellationToken.None)).ShouldBe(thinned, "maps added by a vacuum do not count");
    }

    /// <summary>So a small quota has room, and a defragmentation of a small store does not make it larger (fault C17).</summary>
    [Fact]
    public async Task An_empty_store_has_nothing_in_use_and_a_vacuum_does_not_make_it_larger()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        StorageTable storage = new(fixture.Database);
        StorageReport empty = await storage.ReportAsync(CancellationToken.None);
        empty.InUse.ShouldBe(0);
        empty.Total.ShouldBeInRange(1, 1024 * 1024);

        await new Vacuum(fixture.Database).RunAsync(CancellationToken.None);

        (await storage.ReportAsync(CancellationToken.None)).ShouldBe(empty);
    }

    [Fact]
    public async Task A_vacuum_removes_dead_rows_and_does_not_wait_for_writers()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "b=2"));
        await ExecuteAsync(fixture, "delete from pgetcd.revisions where revision = 2");
        await using NpgsqlConnection writer = await fixture.Database.OpenAsync(CancellationToken.None);
        await using NpgsqlTransaction writing = await writer.BeginTransactionAsync();
        await using NpgsqlCommand write = new("insert into pgetcd.leases values (1, 1, now(), gen_random_uuid())", writer);
        await write.ExecuteNonQueryAsync();

        await new Vacuum(fixture.Database).RunAsync(CancellationToken.None).WaitAsync(TimeSpan.FromSeconds(20));

        (await fixture.QueryAsync<int>("select relallvisible from pg_class where oid = 'pgetcd.revisions'::regclass")).ShouldBe([1]);
    }

    [Fact]
    public async Task A_table_of_another_owner_is_named_and_the_others_are_vacuumed()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "b=2"));
        await ExecuteAsync(fixture, "delete from pgetcd.revisions where revision = 2");
        string role = $"role_{Guid.NewGuid():N}";
        await ExecuteAsync(
            fixture, $"create role {role} login; grant usage on schema pgetcd to {role}; alter table pgetcd.revisions owner to {role}");
        await using Database limited = new(
            new NpgsqlConnectionStringBuilder(fixture.ConnectionString) { Username = role }.ConnectionString,
            new SchemaName("pgetcd"), Microsoft.Extensions.Logging.Abstractions.NullLoggerFactory.Instance);

        VacuumRefusedException refused = await Should.ThrowAsync<VacuumRefusedException>(
            () => new Vacuum(limited).RunAsync(CancellationToken.None));

        refused.Message.ShouldContain("leases");
        refused.Message.ShouldNotContain("revisions");
        (await fixture.QueryAsync<int>("select relallvisible from pg_class where oid = 'pgetcd.revisions'::regclass")).ShouldBe([1]);
    }

    [Fact]
    public async Task One_downgrade_is_under_way_until_it_is_cancelled()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        StorageTable storage = new(fixture.Database);
        (await storage.EnableDowngradeAsync("3.5.0", CancellationToken.None)).ShouldBeTrue();
        (await storage.EnableDowngradeAsync("3.4.0", CancellationToken.None)).ShouldBeFalse();
        (await storage.ReportAsync(CancellationToken.None)).DowngradeTarget.ShouldBe("3.5.0");
        await storage.CancelDowngradeAsync(CancellationToken.None);
        (await storage.ReportAsync(CancellationToken.None)).DowngradeTarget.ShouldBeNull();
    }

    private static async Task ExecuteAsync(LogFixture fixture, string sql)
    {
        await using NpgsqlCommand command = fixture.Database.Command(sql);
        await command.ExecuteNonQueryAsync();
    }
}
