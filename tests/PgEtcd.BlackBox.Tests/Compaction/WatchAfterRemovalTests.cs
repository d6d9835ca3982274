using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Compaction;

/// <summary>Watches into the past after the removal of superseded rows.</summary>
public sealed class WatchAfterRemovalTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Fact]
    [Trait("issue", "etcd#18089")]
    [Trait("issue", "etcd#19179")]
    public async Task A_watch_from_the_compact_revision_gets_its_delete_and_all_later_events_with_previous_values()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        await kv.PutAsync("b", "1");
        await kv.PutAsync("b", "2");
        long compacted = await kv.DeleteAsync("a");
        await kv.PutAsync("b", "3");
        await kv.DeleteAsync("b");
        await kv.CompactAsync(compacted, physical: true, Limit);
        ((long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions"))!).ShouldBe(4);

        (await WatchAsync(server, compacted, events: 3)).ShouldBe(
            [$"Delete a {compacted}", $"Put b=3 after 2 {compacted + 1}", $"Delete b after 3 {compacted + 2}"]);

        await using GrpcChannel channel = new(server.ClientUrl);
        await using WatchCall tooOld = new(channel);
        await tooOld.CreatedAsync(All(compacted - 1));
        (await tooOld.NextAsync()).ShouldSatisfyAllConditions(
            answer => answer.Canceled.ShouldBeTrue(), answer => answer.CompactRevision.ShouldBe(compacted));
    }

    private static async Task<List<string>> WatchAsync(PgEtcdServer server, long revision, int events)
    {
        await using GrpcChannel channel = new(server.ClientUrl);
        await using WatchCall watch = new(channel);
        await watch.CreatedAsync(All(revision));
        List<string> seen = [];
        while (seen.Count < events)
        {
            WatchResponse answer = await watch.NextAsync();
            answer.Canceled.ShouldBeFalse();
            seen.AddRange(answer.Events.Select(change =>
                $"{change.Type} {change.Kv.Key.ToStringUtf8()}"
                + (change.Kv.Value.IsEmpty ? "" : $"={change.Kv.Value.ToStringUtf8()}")
                + (change.PrevKv is null ? "" : $" after {change.PrevKv.Value.ToStringUtf8()}")
                + $" {change.Kv.ModRevision}"));
        }

        return seen;
    }

    private static WatchCreateRequest All(long revision)
    {
        WatchCreateRequest all = WatchCall.All(revision);
        all.PrevKv = true;
        return all;
    }
}
