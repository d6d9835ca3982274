using System.Diagnostics;
using Microsoft.Extensions.Time.Testing;
using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Writing;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Leases;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Leases;

/// <summary>The number of statements for keep-alives.</summary>
[Collection(nameof(Alone))]
public sealed class LeaseRenewalsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Keep_alives_during_a_statement_share_the_next()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        LeaseRenewals renewals = await RenewalsAsync(parts, leases: 50_000);

        Task<Renewal>[] asked = [.. Enumerable.Range(1, 50_000).Select(id => renewals.RenewAsync(id))];

        (await Task.WhenAll(asked).WaitAsync(Patience)).ShouldAllBe(renewal => renewal.Ttl == 60);
        renewals.Statements.ShouldBeLessThan(100);
        (await parts.QueryAsync<long>("select count(*) from pgetcd.leases where expires_at < clock_timestamp() + interval '30 seconds'"))
            .ShouldBe([0]);
    }

    [Fact]
    public async Task A_lease_that_still_has_its_full_TTL_is_answered_without_being_written()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        LeaseRenewals renewals = await RenewalsAsync(parts, leases: 1);
        const string row = "select xmin::text || ' ' || (expires_at >= clock_timestamp() + interval '50 seconds')::text from pgetcd.leases";
        (await renewals.RenewAsync(1)).Ttl.ShouldBe(60);
        await parts.QueryAsync<int>("update pgetcd.leases set expires_at = clock_timestamp() + interval '70 seconds'");
        List<string> before = await parts.QueryAsync<string>(row);

        (await renewals.RenewAsync(1)).Ttl.ShouldBe(60);

        (await parts.QueryAsync<string>(row)).ShouldBe(before);
        await parts.QueryAsync<int>("update pgetcd.leases set expires_at = clock_timestamp() + interval '59 seconds'");
        before = await parts.QueryAsync<string>(row);
        (await renewals.RenewAsync(1)).Ttl.ShouldBe(60);
        (await parts.QueryAsync<string>(row)).ShouldNotBe(before);
    }

    [Fact]
    public async Task A_lone_keep_alive_is_sent_at_once_every_time()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        // Time does not advance on this clock, so a keep-alive that waited for others would wait for ever.
        LeaseRenewals renewals = await RenewalsAsync(parts, leases: 100, new FakeTimeProvider());
        for (long id = 1; id <= 100; id++)
        {
            (await renewals.RenewAsync(id).WaitAsync(Patience)).Ttl.ShouldBe(60);
        }

        renewals.Statements.ShouldBe(100);
    }

    [Fact]
    public async Task Clients_with_one_keep_alive_in_flight_are_not_delayed()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        LeaseRenewals renewals = await RenewalsAsync(parts, leases: 100);
        Stopwatch since = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, 100).Select(client => Task.Run(async () =>
        {
            for (int i = 0; i < 50; i++)
            {
                (await renewals.RenewAsync(client + 1)).Ttl.ShouldBe(60);
            }
        }))).WaitAsync(Patience);

        renewals.Statements.ShouldBeLessThan(3000, "of 5,000 keep-alives many share one");
    }

    [Fact]
    public async Task A_revoked_lease_has_no_time_left_and_an_expired_one_is_answered_when_revoked_or_renewed()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        LeaseRenewals renewals = await RenewalsAsync(parts, leases: 3);
        (await renewals.RenewAsync(404)).Ttl.ShouldBe(0);
        await parts.QueryAsync<int>("update pgetcd.leases set expires_at = clock_timestamp()");

        Task<Renewal> going = renewals.RenewAsync(1);
        Task<Renewal> living = renewals.RenewAsync(2);
        await Eventually.TrueAsync(() => renewals.Statements > 3, Patience, "it has looked again");
        going.IsCompleted.ShouldBeFalse();
        living.IsCompleted.ShouldBeFalse();
        await parts.Leases.RevokeAsync(1, Origin.Server);
        await parts.QueryAsync<int>("update pgetcd.leases set expires_at = clock_timestamp() + interval '1 minute' where id = 2");

        (await going.WaitAsync(Patience)).ShouldBe(new Renewal(0, 1));
        (await living.WaitAsync(Patience)).Ttl.ShouldBe(60);
    }

    [Fact]
    public async Task Without_the_database_no_caller_waits_longer_than_the_request_timeout()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await RenewalsAsync(parts, leases: 1);
        LeaseRenewals renewals = new(new LeaseTable(parts.Database), parts.Database, TimeSpan.FromSeconds(1), TimeProvider.System);
        await using Npgsql.NpgsqlConnection connection = await parts.Database.OpenAsync(CancellationToken.None);
        await using Npgsql.NpgsqlTransaction held = await connection.BeginTransactionAsync();
        await using Npgsql.NpgsqlCommand hold = new("lock table pgetcd.leases", connection);
        await hold.ExecuteNonQueryAsync();

        await Should.ThrowAsync<StoreUnavailableException>(() => renewals.RenewAsync(1).WaitAsync(Patience));
        await held.RollbackAsync();
        (await renewals.RenewAsync(1).WaitAsync(Patience)).Ttl.ShouldBe(60);
    }

    /// <summary>Leases 1, 2, … of a minute, of which some time is over.</summary>
    private static async Task<LeaseRenewals> RenewalsAsync(StoreParts parts, int leases, TimeProvider? clock = null)
    {
        await parts.QueryAsync<int>($"""
            insert into pgetcd.leases
            select id, 60, clock_timestamp() + interval '25 seconds', gen_random_uuid() from generate_series(1, {leases}) id
            """);
        return new LeaseRenewals(new LeaseTable(parts.Database), parts.Database, TimeSpan.FromSeconds(7), clock ?? TimeProvider.System);
    }
}
