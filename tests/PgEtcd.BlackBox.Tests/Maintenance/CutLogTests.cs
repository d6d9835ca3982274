using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>Rows at the end of the log are deleted by hand after frontends have read them (fault C19).</summary>
public sealed class CutLogTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Sentence =
        "the log in PostgreSQL ends at revision 3, and this frontend has read revision 4 from it: rows were deleted there";

    [Fact]
    public async Task Writes_are_refused_at_once_and_the_reason_is_logged_once()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer writing = await PgEtcdServer.StartAsync(database, name: "writing");
        await using PgEtcdServer reading = await PgEtcdServer.StartAsync(database, name: "reading");
        writing.Expect(Sentence);
        reading.Expect(Sentence);
        await using Kv kv = new(writing);
        await using Kv other = new(reading);
        await kv.PutAsync("a", "1");
        await kv.PutAsync("b", "1");
        await kv.PutAsync("b", "2");
        (await other.ReadAsync("b")).ShouldBe(["b=2"]);

        await Sql.ExecuteAsync(database, "delete from pgetcd.revisions where revision = 4");
        Stopwatch since = Stopwatch.StartNew();
        for (int i = 0; i < 5; i++)
        {
            RpcException refused = await Should.ThrowAsync<RpcException>(() => kv.PutAsync("c"));
            refused.StatusCode.ShouldBe(StatusCode.DataLoss);
            refused.Status.Detail.ShouldStartWith($"pgetcd: {Sentence}");
            (await Should.ThrowAsync<RpcException>(() => kv.SendAsync(Txn(Op(Put("c")), Op(Delete("a")))))).StatusCode
                .ShouldBe(StatusCode.DataLoss);
        }

        since.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(6), "no write waits for its time limit");
        (await kv.ReadAsync("a")).ShouldBe(["a=1"], "reads still succeed");
        await Eventually.TrueAsync(() => Said(reading) == 1 && Said(writing) == 1, "a frontend that only reads says it too");
        await other.ReadAsync("a");
        (Said(reading), Said(writing)).ShouldBe((1, 1));

        // The repair from operations.md.
        await Sql.ExecuteAsync(
            database, "select pgetcd.ensure_history((select max(revision) + 1000000000 from pgetcd.revisions), 0, null, null, -1)");
        (await kv.PutAsync("c")).ShouldBeGreaterThan(1_000_000_000);
        (await other.PutAsync("c")).ShouldBeGreaterThan(1_000_000_000);

        static int Said(PgEtcdServer server) => server.CountOf($"Writes fail: {Sentence}");
    }
}
