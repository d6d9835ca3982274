using PgEtcd.Frontend.Compaction;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Compaction;

/// <summary>When auto-compaction compacts (semantics.md §6).</summary>
public sealed class CompactionPlanTests
{
    [Theory]
    [InlineData(10, 1)]
    [InlineData(60, 6)]
    [InlineData(72 * 60, 6)]
    public void The_revision_is_sampled_ten_times_a_period_or_an_hour(int periodMinutes, int minutes) =>
        new PeriodicPlan(TimeSpan.FromMinutes(periodMinutes)).Interval.ShouldBe(TimeSpan.FromMinutes(minutes));

    [Fact]
    public void A_short_period_compacts_once_a_period_at_the_revision_of_one_period_ago() =>
        // Ten revisions a minute; the first look is at revision 10.
        Run(new PeriodicPlan(TimeSpan.FromMinutes(10)), minutes: 35)
            .ShouldBe([(10, 10), (20, 100), (30, 200)]);

    [Fact]
    public void A_long_period_compacts_for_the_first_time_after_it_and_then_every_hour() =>
        Run(new PeriodicPlan(TimeSpan.FromHours(5)), minutes: 7 * 60 + 5)
            .ShouldBe([(300, 10), (360, 550), (420, 1150)]);

    [Fact]
    public void Nothing_is_compacted_again_while_nothing_is_written()
    {
        PeriodicPlan plan = new(TimeSpan.FromMinutes(10));
        List<long> done = [];
        for (int minute = 1; minute < 60; minute++)
        {
            plan.Observe(7);
            if (plan.Due(TimeSpan.FromMinutes(minute), 7) is { } due)
            {
                done.Add(due);
                plan.Done(TimeSpan.FromMinutes(minute), due);
            }
        }

        done.ShouldBe([7]);
    }

    [Fact]
    public void A_failed_compaction_is_due_again_at_the_next_sample()
    {
        PeriodicPlan plan = new(TimeSpan.FromMinutes(10));
        List<int> due = [];
        for (int minute = 1; minute <= 12; minute++)
        {
            plan.Observe(minute);
            if (plan.Due(TimeSpan.FromMinutes(minute), minute) is not null)
            {
                due.Add(minute);
            }
        }

        due.ShouldBe([10, 11, 12]);
    }

    [Fact]
    public void By_revision_all_but_the_last_revisions_are_compacted_every_five_minutes()
    {
        RevisionPlan plan = new(100);
        plan.Interval.ShouldBe(TimeSpan.FromMinutes(5));
        plan.Due(TimeSpan.FromMinutes(5), 100).ShouldBeNull();
        plan.Due(TimeSpan.FromMinutes(10), 130).ShouldBe(30);
        plan.Done(TimeSpan.FromMinutes(10), 30);
        plan.Due(TimeSpan.FromMinutes(15), 130).ShouldBeNull();
        plan.Due(TimeSpan.FromMinutes(20), 131).ShouldBe(31);
    }

    private static List<(int Minute, long Revision)> Run(PeriodicPlan plan, int minutes)
    {
        List<(int, long)> done = [];
        int minute = 0;
        while (minute + plan.Interval.TotalMinutes <= minutes)
        {
            plan.Observe(10 + (minute * 10));
            minute += (int)plan.Interval.TotalMinutes;
            if (plan.Due(TimeSpan.FromMinutes(minute), 10 + (minute * 10)) is { } due)
            {
                done.Add((minute, due));
                plan.Done(TimeSpan.FromMinutes(minute), due);
            }
        }

        return done;
    }
}
