using PgEtcd.BlackBox.Tests.Http;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>A server runs the hot paths before it listens, which changes nothing and is not counted.</summary>
public sealed class RehearsalTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string AppendSessions = """
        select count(*) from pg_stat_activity
        where datname = current_database() and pid <> pg_backend_pid() and query like '%append(%'
        """;

    /// <summary>On a busy machine the rehearsal may be cut short.</summary>
    private const int Starts = 3;

    [Fact]
    public async Task A_start_appends_and_counts_nothing_but_opens_the_connection_of_the_appends()
    {
        object? sessions = 0L;
        for (int start = 0; start < Starts && sessions is 0L; start++)
        {
            sessions = await StartAsync();
        }

        sessions.ShouldBe(1L, "the session of the appends exists");
    }

    /// <returns>The sessions that have appended before the first write.</returns>
    private async Task<object?> StartAsync()
    {
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database, moreArguments: ["--metrics", "extensive"]);
        using HttpProbe http = new(server.ClientUrl);
        await using Kv kv = new(server);
        PrometheusPage before = await http.MetricsAsync();
        string[] counters = ["grpc_server_started_total", "grpc_server_handled_total", "etcd_server_client_requests_total"];
        foreach (string counter in counters)
        {
            before.Samples.Where(sample => sample.Key.StartsWith(counter, StringComparison.Ordinal))
                .Sum(sample => sample.Value).ShouldBe(0, counter);
        }

        before["etcd_mvcc_put_total"].ShouldBe(0);
        before["pgetcd_append_conflicts_total"].ShouldBe(0);
        (await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions")).ShouldBe(0L);
        object? sessions = await Sql.ExecuteAsync(database, AppendSessions);
        (await kv.PutAsync("a")).ShouldBe(2);
        return sessions;
    }
}
