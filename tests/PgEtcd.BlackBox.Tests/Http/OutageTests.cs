using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>The pages while PostgreSQL is down.</summary>
public sealed class OutageTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    public async Task Without_PostgreSQL_the_server_is_alive_but_neither_healthy_nor_ready_and_then_is_again()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(_postgres.ConnectionString());
        using HttpProbe http = new(server.ClientUrl);
        (await http.GetAsync("/readyz")).Status.ShouldBe(200);
        PrometheusPage before = await http.MetricsAsync();
        before["etcd_server_has_leader"].ShouldBe(1);

        server.Expect("PostgreSQL does not answer, trying again");
        await _postgres.StopAsync();
        await Eventually.TrueAsync(
            async () => (await http.GetAsync("/health")).Text == """{"health":"false","reason":"RAFT NO LEADER"}""" + "\n",
            Limit,
            "there is no leader");
        (await http.GetAsync("/health")).Status.ShouldBe(503);
        (await http.GetAsync("/health?serializable=true")).Status.ShouldBe(200);
        (await http.GetAsync("/livez?verbose")).ShouldBe(
            new HttpProbe.Answer(200, "[+]serializable_read ok\nok\n", "text/plain; charset=utf-8", null));
        // Fault A2: a state read that long ago is not trusted.
        await Eventually.TrueAsync(
            async () =>
                (await http.GetAsync("/readyz/serializable_read")).Status == 503, Limit, "the log has not been read for some seconds");
        // Both reads fail only after the request timeout, so they run at the same time.
        Task<HttpProbe.Answer> linearizable = http.GetAsync("/readyz/linearizable_read");
        (await http.GetAsync("/readyz")).ShouldBe(new HttpProbe.Answer(
            503,
            "[+]data_corruption ok\n[-]serializable_read failed: the log has not been read for 5 s\n"
                + "[-]linearizable_read failed: etcdserver: request timed out\n[+]non_learner ok\n\n",
            "text/plain; charset=utf-8",
            null));
        (await linearizable).Status.ShouldBe(503);
        (await http.GetAsync("/livez")).Status.ShouldBe(200);

        PrometheusPage during = await http.MetricsAsync();
        during["etcd_server_has_leader"].ShouldBe(0);
        during["etcd_server_is_leader"].ShouldBe(0);
        during["etcd_server_health_failures"].ShouldBeGreaterThan(0);
        during["etcd_server_healthcheck", "type=\"readyz\"", "name=\"linearizable_read\""].ShouldBe(0);
        during["etcd_server_healthcheck", "type=\"readyz\"", "name=\"serializable_read\""].ShouldBe(0);
        during["etcd_server_healthchecks_total", "type=\"readyz\"", "name=\"linearizable_read\"", "status=\"error\""].ShouldBe(2);
        during["etcd_server_read_indexes_failed_total"].ShouldBeGreaterThanOrEqualTo(2);
        during["etcd_server_heartbeat_send_failures_total"].ShouldBeGreaterThan(0);
        during["etcd_network_peer_sent_failures_total", "To=\"postgresql\""].ShouldBeGreaterThan(0);
        during["pgetcd_listen_losses_total"].ShouldBeGreaterThan(0);
        during["pgetcd_database_retries_total"].ShouldBeGreaterThan(0);
        during["pgetcd_sql_errors_total", "sqlstate=\"connection\""].ShouldBeGreaterThan(0);

        await _postgres.RestartAsync();
        await Eventually.TrueAsync(async () => (await http.GetAsync("/health")).Status == 200, Limit, "the server is healthy");
        (await http.GetAsync("/readyz")).Status.ShouldBe(200);
        await Eventually.TrueAsync(async () => (await http.MetricsAsync())["etcd_server_has_leader"] == 1, Limit, "there is a leader");
        PrometheusPage after = await http.MetricsAsync();
        after["pgetcd_database_server_changes_total"].ShouldBe(1);
        after["pgetcd_database_connections_opened_total"].ShouldBeGreaterThan(before["pgetcd_database_connections_opened_total"]);
        after["etcd_server_healthcheck", "type=\"readyz\"", "name=\"linearizable_read\""].ShouldBe(1);
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();
}
