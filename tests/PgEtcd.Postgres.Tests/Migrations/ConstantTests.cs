using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Members;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Migrations;

/// <summary>The constants repeated in C# equal those of functions/constants.sql.</summary>
public sealed class ConstantTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Constants_are_the_same_in_sql_and_in_csharp()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);

        (await fixture.QueryAsync<TimeSpan>("select pgetcd.leader_limit()")).ShouldBe([MemberTable.LeadershipLimit]);
        (await fixture.QueryAsync<int>(
            "select unnest(array[pgetcd.nospace_alarm(), pgetcd.corrupt_alarm(), pgetcd.other_alarm()])::integer"))
            .ShouldBe([(int)AlarmKinds.NoSpace, (int)AlarmKinds.Corrupt, (int)AlarmKinds.Other]);
        (await fixture.QueryAsync<int>(
            $"select pgetcd.alarm_bit(kind)::integer from unnest(array[{Alarm.NoSpace}, {Alarm.Corrupt}, 7]) kind"))
            .ShouldBe([(int)AlarmKinds.NoSpace, (int)AlarmKinds.Corrupt, (int)AlarmKinds.Other]);
    }
}
