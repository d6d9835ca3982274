using System.Diagnostics.Metrics;
using System.Text;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Transfer;

/// <summary>A scan reads the store, at one moment, as etcd would have it.</summary>
public sealed class LogScanTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "b", "bb", "c"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task It_is_the_same_before_during_and_after_removal(int seed)
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        Random random = new(seed);
        for (int round = 0; round < 6; round++)
        {
            for (int i = 0; i < 15; i++)
            {
                string key = Keys[random.Next(Keys.Length)];
                await log.WriteAsync(random.Next(3) == 0 ? Delete(key) : Put(key));
            }

            await log.CompactAsync(random.NextInt64(Math.Max(0, log.State.CompactRevision + 1), log.State.Revision + 1));
            List<RemovalRow> expected = [.. RemovalModel.Survivors(log.History, log.State.CompactRevision)];
            (await ScanAsync(log)).ShouldBe(expected);
            await log.StepAsync(3);
            (await ScanAsync(log)).ShouldBe(expected);
            await log.RemoveAsync();
            (await ScanAsync(log)).ShouldBe(expected);
        }
    }

    [Fact]
    public async Task It_does_not_see_later_changes_and_can_be_read_again()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.WriteAsync(Put("a"));
        await using LogScan scan = await LogScan.OpenAsync(log.Database, CancellationToken.None);
        await log.WriteAsync(Put("b"));
        await log.CompactAsync(log.State.Revision);
        await log.RemoveAsync();

        (await RowsAsync(scan)).Count.ShouldBe(1);
        (await RowsAsync(scan)).Count.ShouldBe(1);
        scan.Position.Revision.ShouldBe(2);
        scan.Position.CompactRevision.ShouldBe(-1);
    }

    [Fact]
    public async Task A_reader_that_leaves_early_does_not_read_the_rest()
    {
        await using RemovalFixture log = await CreateAsync(postgres);
        await log.ExecuteAsync("""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select n + 1, 0, 'k', convert_to(repeat('v', 1000000), 'utf8'), 2, n, 0, now(), 'test' from generate_series(1, 60) n
            """);
        long received = 0;
        using MeterListener listener = new();
        listener.InstrumentPublished = (instrument, one) =>
        {
            if (instrument.Meter.Name == "Npgsql" && instrument.Name.EndsWith("bytes_read", StringComparison.Ordinal))
            {
                one.EnableMeasurementEvents(instrument);
            }
        };
        listener.SetMeasurementEventCallback<long>((_, bytes, _, _) => Interlocked.Add(ref received, bytes));
        listener.Start();
        await using LogScan scan = await LogScan.OpenAsync(log.Database, CancellationToken.None);
        await foreach (LogRow row in scan.RowsAsync(CancellationToken.None))
        {
            row.Revision.ShouldBe(2);
            break;
        }

        // Other tests may run meanwhile, but do not allocate 60 MB.
        received.ShouldBeInRange(1_000_000, 40_000_000);
    }

    private static async Task<List<RemovalRow>> ScanAsync(RemovalFixture log)
    {
        await using LogScan scan = await LogScan.OpenAsync(log.Database, CancellationToken.None);
        List<LogRow> rows = await RowsAsync(scan);
        List<(long, int, int, int?)> lengths = [];
        await foreach ((LogRow row, int keyLength, int? valueLength) in scan.LengthsAsync(CancellationToken.None))
        {
            lengths.Add((row.Revision, row.Sub, keyLength, valueLength));
        }

        lengths.ShouldBe(rows.Select(row => (row.Revision, row.Sub, row.Key.Length, row.Value?.Length)));
        return [.. rows.Select(row => new RemovalRow(row.Revision, row.Sub, Encoding.UTF8.GetString(row.Key), row.Value is null))];
    }

    private static async Task<List<LogRow>> RowsAsync(LogScan scan)
    {
        List<LogRow> rows = [];
        await foreach (LogRow row in scan.RowsAsync(CancellationToken.None))
        {
            rows.Add(row);
        }

        return rows;
    }
}
