using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
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
        (await here.WriteAsync(Put("a", "2"))).Error.ShouldBe(KvError.NoSpace);
        here.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace);
        (await here.WriteAsync(Delete("a"))).Error.ShouldBe(KvError.None);

        await alarms.SetAsync(NoSpace, raised: false, CancellationToken.None);
        (await here.WriteAsync(Put("a", "3"))).Error.ShouldBe(KvError.None);
        (await here.StoredAsync()).ShouldBe(["a=3 4/4.0 v1"]);
    }

    [Fact]
    public async Task In_a_batch_only_what_adds_data_is_refused()
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
            .ShouldBe([KvError.NoSpace, KvError.NoSpace, KvError.None, KvError.NoSpace, KvError.None]);
        (await here.StoredAsync()).ShouldBeEmpty();
    }

    [Fact]
    public async Task The_alarms_class_tells_what_is_raised_here_and_elsewhere()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        Alarms alarms = new(new AlarmTable(here.Database), here.Database, here.Replica, here.Tail, Patience);

        (await alarms.SetAsync(NoSpace, raised: true)).ShouldBeTrue();
        alarms.Raised.ShouldBe(AlarmKinds.NoSpace);
        await there.Tail.CatchUpAsync();
        there.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace);
        (await alarms.ListAsync()).ShouldBe([NoSpace]);
        await using StoreParts later = await here.AnotherAsync("later");
        later.Replica.State.Alarms.ShouldBe(AlarmKinds.NoSpace, "a frontend that starts now knows it");
    }

    [Fact]
    public void A_write_costs_what_etcd_reckons()
    {
        PutOperation put = Put("key", "value"); // 256 and its 8 bytes
        WriteCost.Of(put).ShouldBe(264);
        WriteCost.Of(Delete("key")).ShouldBe(0);
        WriteCost.Of(new TxnOperation { Success = [put, put, null, Delete("x")], Failure = [put] }).ShouldBe(528);
        WriteCost.Of(new TxnOperation { Success = [put], Failure = [new TxnOperation { Failure = [put, put] }, put] }).ShouldBe(792);
        WriteCost.Of(new TxnOperation { Success = [Delete("x")] }).ShouldBe(0);
    }
}
