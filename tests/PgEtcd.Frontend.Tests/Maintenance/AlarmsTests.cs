using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Protocol;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Maintenance;

/// <summary>What a frontend does that has not heard yet of an alarm, or of its end (docs/decisions/0009).</summary>
public sealed class AlarmsTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly Alarm NoSpace = new(1, Alarm.NoSpace);

    [Fact]
    public async Task A_frontend_that_has_not_heard_of_an_alarm_refuses_and_one_that_has_not_heard_of_its_end_does_not()
    {
        await using StoreParts here = await CreateAsync(postgres);
        AlarmTable alarms = new(here.Database);
        await here.WriteAsync(Put("a", "1"));
        await alarms.SetAsync(NoSpace, raised: true, CancellationToken.None);

        here.Replica.State.Alarms.ShouldBe(AlarmKinds.None);
        (await here.WriteAsync(Put("a", "2"))).Error.ShouldBe(EtcdErrors.NoSpace);
        here.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace);
        (await here.WriteAsync(Delete("a"))).Error.ShouldBeNull();

        await alarms.SetAsync(NoSpace, raised: false, CancellationToken.None);
        (await here.WriteAsync(Put("a", "3"))).Error.ShouldBeNull();
        (await here.StoredAsync()).ShouldBe(["a=3 4/4.0 v1"]);
    }

    [Fact]
    public async Task In_a_batch_only_writes_that_add_data_are_refused()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await new AlarmTable(here.Database).SetAsync(NoSpace, raised: true, CancellationToken.None);
        Task<WriteAnswer>[] answers;
        await using (await here.HoldAsync())
        {
            answers = [there.WriteAsync(Put("b", "1")), there.WriteAsync(Put("c", "1")), there.WriteAsync(Delete("a")),
                there.WriteAsync(Put("d", "1")), there.WriteAsync(Delete("d"))];
        }

        (await Task.WhenAll(answers)).Select(answer => answer.Error)
            .ShouldBe([EtcdErrors.NoSpace, EtcdErrors.NoSpace, null, EtcdErrors.NoSpace, null]);
        (await here.StoredAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task Alarms_raised_here_and_at_other_frontends_are_known()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        using Alarms alarms = Of(here);

        (await alarms.SetAsync(NoSpace, raised: true)).ShouldBeTrue();
        alarms.Raised.ShouldBe(AlarmKinds.NoSpace);
        await there.Tail.CatchUpAsync();
        there.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace);
        (await alarms.ListAsync()).ShouldBe([NoSpace]);
        await using StoreParts later = await here.AnotherAsync("later");
        later.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace, "a frontend that starts now knows it");
    }

    /// <summary>PostgreSQL answers 53100 and has no room for the alarm either (fault C19).</summary>
    [Fact]
    public async Task An_alarm_that_cannot_be_stored_holds_here_until_it_is_stored_or_cleared()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        using Alarms alarms = Of(here);
        StorageSizes sizes = new(new StorageTable(here.Database), here.Database, here.Replica.Recent, TimeProvider.System);
        Quota quota = new(0, sizes, alarms);
        await here.QueryAsync<int>("""
            create function pgetcd.test_full() returns trigger language plpgsql as $$
                begin raise exception 'could not extend file: No space left on device' using errcode = '53100'; end $$;
            create trigger test_full before insert on pgetcd.alarms for each row execute function pgetcd.test_full()
            """);
        using CancellationTokenSource stopping = new();
        Task storing = alarms.RunAsync(stopping.Token);

        alarms.DiskIsFull();
        alarms.Raised.ShouldBe(AlarmKinds.NoSpace);
        (await alarms.ListAsync()).ShouldBe([NoSpace]);
        (await quota.ReserveAsync(1)).ShouldBeNull("also without a quota");
        (await quota.ReserveAsync(0)).ShouldNotBeNull();
        (await here.QueryAsync<int>("select kind from pgetcd.alarms")).ShouldBeEmpty();

        (await alarms.SetAsync(NoSpace, raised: false)).ShouldBeTrue("it is cleared as if it were stored");
        alarms.Raised.ShouldBe(AlarmKinds.None);
        (await alarms.ListAsync()).ShouldBeEmpty();
        (await quota.ReserveAsync(1)).ShouldNotBeNull();

        await alarms.RaiseNoSpaceAsync();
        alarms.IsUnstored.ShouldBeTrue();
        await here.QueryAsync<int>("drop trigger test_full on pgetcd.alarms");
        await Eventually.TrueAsync(() => !alarms.IsUnstored, Patience, "there is room for it");
        alarms.Raised.ShouldBe(AlarmKinds.NoSpace);
        (await there.WriteAsync(Put("a", "1"))).Error.ShouldBe(EtcdErrors.NoSpace, "every frontend heeds it");
        (await alarms.SetAsync(NoSpace, raised: false)).ShouldBeTrue();
        (await there.WriteAsync(Put("a", "1"))).Error.ShouldBeNull();
        await stopping.CancelAsync();
        await storing;
    }

    [Fact]
    public void A_write_has_the_size_that_etcd_computes()
    {
        PutOperation put = Put("key", "value"); // 256 and its 8 bytes
        WriteCost.Of(put).ShouldBe(264);
        WriteCost.Of(Delete("key")).ShouldBe(0);
        WriteCost.Of(new TxnOperation { Success = [put, put, null, Delete("x")], Failure = [put] }).ShouldBe(528);
        WriteCost.Of(new TxnOperation { Success = [put], Failure = [new TxnOperation { Failure = [put, put] }, put] }).ShouldBe(792);
        WriteCost.Of(new TxnOperation { Success = [Delete("x")] }).ShouldBe(0);
    }

    private static Alarms Of(StoreParts parts) => new(
        new AlarmTable(parts.Database), parts.Database, parts.Replica, parts.Tail, () => NoSpace.MemberId, Patience,
        NullLogger<Alarms>.Instance);
}
