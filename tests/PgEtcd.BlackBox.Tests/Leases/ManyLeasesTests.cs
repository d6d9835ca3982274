using System.Globalization;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Leases;

/// <summary>The cost of many leases for PostgreSQL.</summary>
[Collection(nameof(Alone))]
public sealed class ManyLeasesTests : IAsyncLifetime
{
    private PostgresServer _postgres = null!;

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    public async Task Fifty_thousand_leases_of_one_client_are_kept_alive_by_far_fewer_transactions()
    {
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(_postgres.ConnectionString());
        await using Kv kv = new(server);
        await Sql.ExecuteAsync(_postgres.ConnectionString(), """
            insert into pgetcd.leases
            select id, 60, clock_timestamp() + interval '1 hour', gen_random_uuid() from generate_series(1, 50000) id
            """);
        long before = await TransactionsAsync();
        using GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive();
        Task sending = Task.Run(async () =>
        {
            for (int id = 1; id <= 50_000; id++)
            {
                await stream.WriteAsync(new LeaseKeepAliveRequest { ID = id });
            }
        });
        for (int id = 1; id <= 50_000; id++)
        {
            LeaseKeepAliveResponse answer = await stream.ReadAsync();
            (answer.ID, answer.TTL).ShouldBe((id, 60));
        }

        await sending;
        await Task.Delay(1500); // PostgreSQL's counters lag
        long transactions = await TransactionsAsync() - before;
        transactions.ShouldBeLessThan(10_000);
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    private async Task<long> TransactionsAsync() => Convert.ToInt64(
        await Sql.ExecuteAsync(_postgres.ConnectionString(), "select xact_commit from pg_stat_database where datname = current_database()"),
        CultureInfo.InvariantCulture);
}
