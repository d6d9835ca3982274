using PgEtcd.BlackBox.Tests.Http;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>A server goes through the hot paths before it listens: that changes nothing and is not counted.</summary>
public sealed class RehearsalTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_start_appends_and_counts_nothing_and_opens_the_connection_of_the_appends()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--metrics", "extensive"]);
        using HttpProbe http = new(server.ClientUrl);
        await using Kv kv = new(server);
        PrometheusPage before = await http.MetricsAsync();
        foreach (
            string counter in (string[])["grpc_server_started_total", "grpc_server_handled_total", "etcd_server_client_requests_total"])
        {
            before.Samples.Where(sample => sample.Key.StartsWith(counter, StringComparison.Ordinal))
                .Sum(sample => sample.Value).ShouldBe(0, counter);
        }

        before["etcd_mvcc_put_total"].ShouldBe(0);
        before["pgetcd_append_conflicts_total"].ShouldBe(0);
        (await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions")).ShouldBe(0L);

        (await Sql.ExecuteAsync(
            database,
            """
            select count(*) from pg_stat_activity
            where datname = current_database() and pid <> pg_backend_pid() and query like '%append(%'
            """))
            .ShouldBe(1L, "the session of the appends is there");

        (await kv.PutAsync("a")).ShouldBe(2);
    }
}
