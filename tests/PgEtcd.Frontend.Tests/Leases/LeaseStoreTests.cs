using PgEtcd.Frontend.Leases;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Protocol;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Leases;

public sealed class LeaseStoreTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly Origin Nobody = new(Caller.Server, null);

    [Fact]
    public async Task An_id_is_granted_once_and_chosen_if_none_is_given()
    {
        await using StoreParts parts = await CreateAsync(postgres);

        (await parts.Leases.GrantAsync(7, 60)).ShouldNotBeNull().Id.ShouldBe(7);
        (await parts.Leases.GrantAsync(7, 60)).ShouldBeNull();
        (await parts.Leases.GrantAsync(-7, 60)).ShouldNotBeNull().Id.ShouldBe(-7);
        long chosen = (await parts.Leases.GrantAsync(0, 60)).ShouldNotBeNull().Id;
        chosen.ShouldBeGreaterThan(0);
        (await parts.Leases.GrantAsync(0, 60)).ShouldNotBeNull().Id.ShouldNotBe(chosen);
        (await parts.Leases.GrantAsync(long.MinValue, 9_000_000_000)).ShouldNotBeNull().Id.ShouldBe(long.MinValue);
    }

    [Fact]
    public async Task Leases_that_are_wanted_at_once_are_granted_each_to_one()
    {
        await using StoreParts parts = await CreateAsync(postgres);

        LeaseStore.Granted?[] granted = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => parts.Leases.GrantAsync((i % 50) + 1, 60)));
        LeaseStore.Granted?[] chosen = await Task.WhenAll(Enumerable.Range(0, 50).Select(_ => parts.Leases.GrantAsync(0, 60)));

        granted.Where(lease => lease is not null).Select(lease => lease!.Value.Id).Order()
            .ShouldBe(Enumerable.Range(1, 50).Select(id => (long)id));
        chosen.Select(lease => lease!.Value.Id).Distinct().Count().ShouldBe(50);
        (await parts.QueryAsync<long>("select count(*) from pgetcd.leases")).ShouldBe([100]);
    }

    [Fact]
    public async Task A_lease_is_listed_by_expiry_and_found_with_the_keys_that_any_frontend_attached()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.Leases.GrantAsync(1, 300);
        await here.Leases.GrantAsync(2, 100);
        await there.Leases.GrantAsync(3, 200);
        await there.WriteAsync(Put("b", "1", lease: 1));
        await there.WriteAsync(Put("a", "1", lease: 1));
        await there.WriteAsync(Put("c", "1", lease: 3));

        (await here.Leases.ListAsync()).ShouldBe([2, 3, 1]);
        LeaseStore.LeaseInfo info = await here.Leases.FindAsync(1, withKeys: true);
        info.Keys.Select(key => Text(key.Span)).ShouldBe(["a", "b"]);
        info.Lease.ShouldNotBeNull().Ttl.ShouldBe(300);
        info.Lease.Remaining.ShouldBeInRange(250, 300);
        (await here.Leases.FindAsync(1, withKeys: false)).Keys.ShouldBeEmpty();
        (await here.Leases.FindAsync(404, withKeys: true)).Lease.ShouldBeNull();
    }

    [Fact]
    public async Task Revoking_deletes_lease_and_keys_in_one_revision()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.Leases.GrantAsync(1, 300);
        await there.WriteAsync(Put("b", "1", lease: 1));
        await there.WriteAsync(Put("a", "1", lease: 1));
        await there.WriteAsync(Put("free", "1"));

        // This frontend has not seen the keys yet.
        WriteAnswer answer = await here.Leases.RevokeAsync(1, Nobody).WaitAsync(Patience);

        answer.Error.ShouldBeNull();
        answer.Result!.Revision.ShouldBe(5);
        Show(here.Replica.Current).ShouldBe(["free=1 4/4.0 v1"]);
        (await here.QueryAsync<string>(
            "select convert_from(key, 'utf8') || sub || tombstone from pgetcd.revisions where revision = 5 order by sub"))
            .ShouldBe(["a0true", "b1true"]);
        (await there.Leases.RevokeAsync(1, Nobody).WaitAsync(Patience)).Error.ShouldBe(EtcdErrors.LeaseNotFound);
        (await there.Leases.FindAsync(1, withKeys: true)).Lease.ShouldBeNull();
    }

    [Fact]
    public async Task A_lease_without_keys_is_revoked_without_a_revision()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await parts.Leases.GrantAsync(1, 300);

        WriteAnswer answer = await parts.Leases.RevokeAsync(1, Nobody).WaitAsync(Patience);

        (answer.Error, answer.Result!.Revision).ShouldBe((null, 1));
        (await parts.Leases.ListAsync()).ShouldBeEmpty();
        (await parts.Leases.GrantAsync(1, 300)).ShouldNotBeNull().Id.ShouldBe(1);
        (await parts.WriteAsync(Put("a", "1", lease: 1))).Error.ShouldBeNull();
    }

    [Fact]
    public async Task A_key_put_again_without_its_lease_outlives_it()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await parts.Leases.GrantAsync(1, 300);
        await parts.WriteAsync(Put("a", "1", lease: 1));
        await parts.WriteAsync(Put("a", "2"));

        await parts.Leases.RevokeAsync(1, Nobody).WaitAsync(Patience);

        Show(parts.Replica.Current).ShouldBe(["a=2 2/3.0 v2"]);
    }

    [Fact]
    public async Task Two_frontends_that_revoke_and_attach_at_once_leave_no_key_without_its_lease()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        for (long lease = 1; lease <= 25; lease++)
        {
            await here.Leases.GrantAsync(lease, 300);
            await Task.WhenAll(
                here.WriteAsync(Put($"a{lease}", "1", lease)),
                there.Leases.RevokeAsync(lease, Nobody),
                there.WriteAsync(Put($"b{lease}", "1", lease)),
                here.WriteAsync(Put($"c{lease}", "1", lease))).WaitAsync(Patience);
        }

        await here.Tail.CatchUpAsync().WaitAsync(Patience);
        Show(here.Replica.Current).ShouldBeEmpty();
    }
}
