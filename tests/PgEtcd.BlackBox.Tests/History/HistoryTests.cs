using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.History;

/// <summary>Reads at revisions that a frontend does not hold in memory: it keeps the present state, and states of which it has
/// returned the first page.</summary>
public sealed class HistoryTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const int Revisions = 700;
    private const int Recent = 128;
    private const int Samples = 25;
    private const string Prefix = "past/";
    private const string PrefixEnd = "past0";

    [Fact]
    public async Task Revisions_no_longer_in_memory_are_read_correctly_from_SQL_and_so_are_all_after_a_restart()
    {
        string database = await postgres.CreateStoreAsync();
        PastModel model = new(Random.Shared.Next());
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await model.WriteAsync(kv, Revisions);
            await CheckAsync(kv, model, model.Last - Recent);
            await CheckAsync(kv, model, model.Last);
        }

        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(again);
        await CheckAsync(after, model, model.Last);
        await model.WriteAsync(after, 5);
        await CheckAsync(after, model, model.Last);
        long mark = model.Last - 100;
        await after.CompactAsync(mark);
        await RefusedAsync(() => after.AllAsync(mark - 1), EtcdErrors.Compacted);
        (await RangeAsync(after, mark)).ShouldBe(model.At(mark));
    }

    [Fact]
    public async Task Every_option_of_a_range_means_the_same_in_the_far_past()
    {
        string database = await postgres.CreateStoreAsync();
        PastModel model = new(Random.Shared.Next());
        List<(RangeRequest Request, RangeResponse Near)> asked = [];
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await model.WriteAsync(kv, 80);
            foreach (RangeRequest request in Options(model.Last))
            {
                asked.Add((request, await kv.SendAsync(request)));
            }

            await model.WriteAsync(kv, Recent + 20);
            await ShouldAnswerAsync(kv, model, asked); // from a kept state
        }

        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(again);
        await ShouldAnswerAsync(after, model, asked); // from SQL
    }

    [Fact]
    public async Task Transactions_read_the_far_past_beside_the_present_and_beside_their_own_writes()
    {
        string database = await postgres.CreateStoreAsync();
        PastModel model = new(Random.Shared.Next());
        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            await model.WriteAsync(kv, 50);
        }

        await using PgEtcdServer again = await PgEtcdServer.StartAsync(database);
        await using Kv after = new(again);
        for (int i = 0; i < Samples; i++)
        {
            long revision = model.RandomRevision(model.Last);
            string[] then = model.At(revision);
            TxnResponse read = await after.SendAsync(Txn(
                Op(Range(Prefix, revision, PrefixEnd)), Op(Txn(Op(Range(Prefix, revision, PrefixEnd)))), Op(Range("own"))));
            Kvs(read.Responses[0].ResponseRange).ShouldBe(then);
            Kvs(read.Responses[1].ResponseTxn.Responses[0].ResponseRange).ShouldBe(then);

            TxnResponse written = await after.SendAsync(Txn(
                Op(Put("own", $"{i}")), Op(Range(Prefix, revision, PrefixEnd)), Op(Range("own")), Op(Range("own", revision))));
            Kvs(written.Responses[1].ResponseRange).ShouldBe(then);
            written.Responses[2].ResponseRange.Kvs[0].Value.ToStringUtf8().ShouldBe($"{i}");
            written.Responses[3].ResponseRange.Kvs.ShouldBeEmpty();
            written.Header.Revision.ShouldBe(model.Last + i + 1);
        }
    }

    private static async Task ShouldAnswerAsync(Kv kv, PastModel model, List<(RangeRequest Request, RangeResponse Near)> asked)
    {
        foreach ((RangeRequest request, RangeResponse near) in asked)
        {
            RangeResponse far = await kv.SendAsync(request);
            far.Header.Revision.ShouldBe(model.Last);
            far.Header = near.Header;
            far.ShouldBe(near, request.ToString());
        }
    }

    private static async Task CheckAsync(Kv kv, PastModel model, long below)
    {
        for (int i = 0; i < Samples; i++)
        {
            long revision = model.RandomRevision(below);
            (await RangeAsync(kv, revision)).ShouldBe(model.At(revision), $"at {revision} of {model.Last}");
            string key = model.RandomKey();
            Kvs(await kv.SendAsync(Range(key, revision))).ShouldBe(model.At(revision, key), $"{key} at {revision} of {model.Last}");
        }
    }

    private static async Task<string[]> RangeAsync(Kv kv, long revision) => Kvs(await kv.SendAsync(Range(Prefix, revision, PrefixEnd)));

    private static string[] Kvs(RangeResponse response) => [.. response.Kvs.Select(PastModel.Describe)];

    private static IEnumerable<RangeRequest> Options(long revision)
    {
        Action<RangeRequest>[] options =
        [
            r => r.Limit = 3, r => r.KeysOnly = true, r => r.CountOnly = true, r => r.Serializable = true,
            r => r.MinModRevision = revision / 2, r => r.MaxModRevision = revision / 2,
            r => r.MinCreateRevision = revision / 2, r => r.MaxCreateRevision = revision / 2,
            r => r.SortOrder = RangeRequest.Types.SortOrder.Descend, r => r.SortOrder = RangeRequest.Types.SortOrder.Ascend,
        ];
        foreach (Action<RangeRequest> first in options)
        {
            foreach (Action<RangeRequest> second in options)
            {
                foreach (RangeRequest.Types.SortTarget target in Enum.GetValues<RangeRequest.Types.SortTarget>())
                {
                    RangeRequest request = Range(Prefix, revision, PrefixEnd);
                    request.SortTarget = target;
                    first(request);
                    second(request);
                    yield return request;
                }
            }
        }
    }
}
