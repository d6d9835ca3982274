using Npgsql;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Reading;

/// <summary>A frontend that was away while rows it had not read were written, compacted and removed: what is left of them
/// is not what happened, so it loads the state anew (kine#220).</summary>
public sealed class GapTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    [Trait("issue", "kine#220")]
    public async Task A_read_shows_the_present()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await MissAsync(here, there);

        await here.Tail.CatchUpAsync().WaitAsync(Patience);

        here.Replica.State.Position.ShouldBe(there.Replica.State.Position);
        Show(here.Replica.Current).ShouldBe(Show(there.Replica.Current));
    }

    [Fact]
    [Trait("issue", "kine#220")]
    public async Task A_write_is_decided_on_the_present()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await MissAsync(here, there);

        WriteAnswer answer = await here.WriteAsync(Put("gone", "again"));

        answer.Result!.Revision.ShouldBe(there.Replica.Current.Revision + 1);
        Show(here.Replica.Current).ShouldContain($"gone=again {answer.Result.Revision}/{answer.Result.Revision}.0 v1");
        Show(here.Replica.Current).ShouldBe(await here.StoredAsync());
    }

    /// <summary>An asynchronous failover may lose a compaction and no change. Without the mark that this frontend has, its
    /// appends would be refused for ever.</summary>
    [Fact]
    public async Task A_compaction_that_was_lost_is_set_again()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        await here.CompactionMark.CompactAsync(3, Origin.Server);
        await here.QueryAsync<int>("update pgetcd.cluster set compact_revision = 2 returning 1");

        (long revision, KvEvent? last) = here.Replica.End();
        await using (NpgsqlConnection connection = await here.Database.OpenAsync(CancellationToken.None))
        {
            (await here.Log.EnsureHistoryAsync(connection, revision, last, here.Replica.Current.CompactRevision)).ShouldBeTrue();
        }

        (await here.WriteAsync(Put("a", "3"))).Result!.Revision.ShouldBe(4);
        (await here.QueryAsync<long>("select compact_revision from pgetcd.cluster")).ShouldBe([3]);
    }

    private static async Task MissAsync(StoreParts here, StoreParts there)
    {
        await here.WriteAsync(Put("gone", "1"));
        await here.WriteAsync(Put("kept", "1"));
        await there.WriteAsync(Delete("gone"));
        await there.WriteAsync(Put("kept", "2"));
        await there.WriteAsync(Put("kept", "3"));
        await there.QueryAsync<int>("update pgetcd.revisions set committed_at = committed_at - interval '1 hour' returning 1");
        await there.CompactionMark.CompactAsync(there.Replica.Current.Revision, Origin.Server).WaitAsync(Patience);
        (await new RemovalTable(there.Database).RemoveAsync(100, TimeSpan.FromSeconds(10), toArchive: false, CancellationToken.None))
            .Outcome.ShouldBe(RemovalOutcome.Finished);
        here.Replica.Current.Revision.ShouldBe(3);
    }
}
