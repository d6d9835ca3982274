using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests.Alarms;

/// <summary>Alarms, and how appends learn of them (docs/decisions/0009).</summary>
public sealed class AlarmTableTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly Alarm NoSpace = new(-7, Alarm.NoSpace);

    [Fact]
    public async Task An_alarm_is_raised_once_and_cleared_once()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AlarmTable alarms = new(fixture.Database);

        (await SetAsync(alarms, NoSpace, raised: true)).ShouldBeTrue();
        (await SetAsync(alarms, NoSpace, raised: true)).ShouldBeFalse();
        (await SetAsync(alarms, new Alarm(1, Alarm.Corrupt), raised: true)).ShouldBeTrue();
        (await SetAsync(alarms, new Alarm(1, 9), raised: true)).ShouldBeTrue();
        (await alarms.ListAsync(CancellationToken.None)).ShouldBe([NoSpace, new Alarm(1, Alarm.Corrupt), new Alarm(1, 9)]);
        (await KindsAsync(fixture)).ShouldBe(AlarmKinds.NoSpace | AlarmKinds.Corrupt | AlarmKinds.Other);

        (await SetAsync(alarms, NoSpace with { MemberId = 0 }, raised: false)).ShouldBeFalse("0 stands for no member, not for all");
        (await SetAsync(alarms, NoSpace, raised: false)).ShouldBeTrue();
        (await SetAsync(alarms, NoSpace, raised: false)).ShouldBeFalse();
        (await KindsAsync(fixture)).ShouldBe(AlarmKinds.Corrupt | AlarmKinds.Other);
    }

    [Fact]
    public async Task An_alarm_of_two_members_ends_when_both_are_cleared()
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        AlarmTable alarms = new(fixture.Database);
        await SetAsync(alarms, NoSpace, raised: true);
        await SetAsync(alarms, NoSpace with { MemberId = 2 }, raised: true);

        await SetAsync(alarms, NoSpace, raised: false);
        (await KindsAsync(fixture)).ShouldBe(AlarmKinds.NoSpace);
        await SetAsync(alarms, NoSpace with { MemberId = 2 }, raised: false);
        (await KindsAsync(fixture)).ShouldBe(AlarmKinds.None);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_the_alarms()
    {
        await using LogFixture fixture = await CreateAsync(postgres, "other schema".Replace(' ', '-'));
        await fixture.AppendAsync(Puts(1, "a=1"));
        await SetAsync(new AlarmTable(fixture.Database), NoSpace, raised: true);

        List<LogRow> missed = [];
        AppendResult result = await fixture.AppendAsync(Puts(2, "b=2"), missed);
        result.Outcome.ShouldBe(AppendOutcome.Conflict);
        result.Position.ShouldBe(new LogPosition(2, -1, 1, AlarmKinds.NoSpace));
        missed.ShouldBeEmpty();
        (await fixture.Log.TailAsync(1, missed.Add, CancellationToken.None)).ShouldBe(result.Position);

        // A request that is still permitted depends on the state in the answer.
        AppendBatch delete = new(result.Position);
        delete.Add(Delete("a", 3), null, null);
        (await fixture.AppendAsync(delete)).Position.ShouldBe(result.Position with { Revision = 3 });

        // A repeat after a lost answer is recognised, even if the alarm has been cleared meanwhile.
        await SetAsync(new AlarmTable(fixture.Database), NoSpace, raised: false);
        AppendResult repeated = await fixture.AppendAsync(delete);
        (repeated.Outcome, repeated.Position).ShouldBe((AppendOutcome.Appended, new LogPosition(3, -1, 1)));
    }

    [Theory]
    [InlineData(Alarm.NoSpace, CompactOutcome.Compacted)]
    [InlineData(Alarm.Corrupt, CompactOutcome.Corrupt)]
    public async Task Alarms_refuse_grants_and_CORRUPT_refuses_compactions(int kind, CompactOutcome compaction)
    {
        await using LogFixture fixture = await CreateAsync(postgres);
        LeaseTable leases = new(fixture.Database);
        Guid token = Guid.NewGuid();
        await leases.GrantAsync(1, 60, token, CancellationToken.None);
        await fixture.AppendAsync(Puts(1, "a=1"));
        await SetAsync(new AlarmTable(fixture.Database), new Alarm(3, kind), raised: true);

        (await Should.ThrowAsync<AlarmRaisedException>(() => leases.GrantAsync(2, 60, Guid.NewGuid(), CancellationToken.None)))
            .Alarms.ShouldBe((AlarmKinds)kind);
        (await leases.ListAsync(CancellationToken.None)).ShouldBe([1]);
        (await leases.GrantAsync(1, 60, token, CancellationToken.None)).ShouldNotBeNull("it was granted before the alarm");
        (await fixture.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None)).ShouldBe(compaction);
    }

    private static Task<bool> SetAsync(AlarmTable alarms, Alarm alarm, bool raised) =>
        alarms.SetAsync(alarm, raised, CancellationToken.None);

    private static async Task<AlarmKinds> KindsAsync(LogFixture fixture) =>
        (await fixture.Log.PositionAsync(CancellationToken.None)).Alarms;
}
