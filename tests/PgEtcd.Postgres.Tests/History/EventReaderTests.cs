using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.History;

public sealed class EventReaderTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int MiB = 1024 * 1024;

    private static readonly KeyRange Everything = new(new byte[1], new byte[1]);

    [Fact]
    public async Task A_revision_larger_than_a_read_comes_complete_and_alone()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AppendBatch batch = new(LogPosition.Empty);
        for (int sub = 0; sub < 24; sub++)
        {
            batch.Add(LogFixture.Put([(byte)'a', (byte)sub], new byte[MiB], revision: 2, sub), null, null);
        }

        batch.Add(LogFixture.Put("b", "1", revision: 3), null, null);
        await fixture.AppendAsync(batch);
        EventReader reader = new(fixture.Database);

        LoggedEvents first = await reader.ReadAsync(Everything, 2, 3, withPrevious: false, CancellationToken.None);
        first.Events.Select(change => change.Revision).ShouldBe(Enumerable.Repeat(2L, 24));
        first.Last.ShouldBe(2);
        LoggedEvents second = await reader.ReadAsync(Everything, 3, 3, withPrevious: false, CancellationToken.None);
        second.Events.ShouldHaveSingleItem().Revision.ShouldBe(3);
        second.Last.ShouldBe(3);
    }

    [Fact]
    public async Task Previous_values_count_as_bytes_read()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AppendBatch batch = new(LogPosition.Empty);
        for (int revision = 2; revision < 12; revision++)
        {
            batch.Add(LogFixture.Put([(byte)revision], new byte[MiB], revision), null, null);
        }

        for (int revision = 12; revision < 22; revision++)
        {
            batch.Add(new KvEvent(new[] { (byte)(revision - 10) }, null, null, revision, 0), null, null);
        }

        await fixture.AppendAsync(batch);
        LoggedEvents read = await new EventReader(fixture.Database).ReadAsync(
            Everything, 12, 21, withPrevious: true, CancellationToken.None);
        read.Events.ShouldAllBe(change => change.Previous!.Encoded.Length > MiB);
        read.Events.Count.ShouldBeInRange(1, 5);
        read.Last.ShouldBe(read.Events[^1].Revision);
    }

    [Fact]
    public async Task More_rows_than_a_read_holds_are_read_in_whole_revisions()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AppendBatch batch = new(LogPosition.Empty);
        int[] sizes = [1500, 1000, 2500, 1];
        for (int i = 0; i < sizes.Length; i++)
        {
            for (int sub = 0; sub < sizes[i]; sub++)
            {
                batch.Add(LogFixture.Put($"{sub:00000}", "v", revision: 2 + i, sub), null, null);
            }
        }

        await fixture.AppendAsync(batch);
        EventReader reader = new(fixture.Database);
        List<int> counts = [];
        for (long next = 2; next <= 5;)
        {
            LoggedEvents read = await reader.ReadAsync(Everything, next, 5, withPrevious: true, CancellationToken.None);
            counts.AddRange(read.Events.GroupBy(change => change.Revision).Select(revision => revision.Count()));
            next = read.Last + 1;
        }

        counts.ShouldBe(sizes);
    }
}
