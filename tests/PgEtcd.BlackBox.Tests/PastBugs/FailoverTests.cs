using System.Globalization;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.PastBugs;

/// <summary>A database that is briefly down or read-only; other implementations stayed stuck on the old connection.</summary>
[Trait("issue", "k3s#2366")]
public sealed class FailoverTests : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    [Trait("issue", "k3s#11019")]
    public async Task A_write_waits_while_the_database_is_briefly_read_only()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(_postgres.ConnectionString());
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");

        server.Expect("PostgreSQL does not answer, trying again");
        await Sql.ReadOnlyAsync(_postgres, on: true);
        Task<Protocol.Etcdserverpb.PutResponse> put = kv.SendAsync(Put("b", "1"), Limit);
        await Eventually.TrueAsync(
            () => server.Output.Contains("read-only", StringComparison.Ordinal), "the frontend has met it");
        await Sql.ReadOnlyAsync(_postgres, on: false);
        (await put).Header.Revision.ShouldBe(3);
        (await kv.AllAsync()).ShouldBe(["a=1", "b=1"]);
    }

    [Fact]
    public async Task With_several_hosts_one_of_them_dead_a_write_waits_out_a_restart_of_the_other()
    {
        string hosts = string.Create(
            CultureInfo.InvariantCulture, $"postgres://postgres@127.0.0.1:{FreePort.Next()},127.0.0.1:{_postgres.Port}/postgres");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(hosts);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");

        server.Expect("PostgreSQL does not answer, trying again");
        await _postgres.StopAsync();
        Task<Protocol.Etcdserverpb.PutResponse> put = kv.SendAsync(Put("b", "1"), Limit);
        await Eventually.TrueAsync(
            () => server.Output.Contains("attempt 3", StringComparison.Ordinal), "the frontend has met it");
        await _postgres.RestartAsync();
        (await put).Header.Revision.ShouldBe(3);
        (await kv.AllAsync()).ShouldBe(["a=1", "b=1"]);
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();
}
