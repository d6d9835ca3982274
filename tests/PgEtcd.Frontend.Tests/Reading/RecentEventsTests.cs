using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Tests.Watching;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Reading;

public class RecentEventsTests
{
    [Fact]
    public void After_a_revision_come_the_batches_that_reach_beyond_it()
    {
        RecentEvents recent = new(10);
        recent.Add([Changes.Put(11), Changes.Put(12)]);
        recent.Add([Changes.Put(13), Changes.Put(13, sub: 1)]);

        Lasts(recent, 10).ShouldBe([12, 13]);
        Lasts(recent, 11).ShouldBe([12, 13]);
        Lasts(recent, 12).ShouldBe([13]);
        Lasts(recent, 13).ShouldBe([]);
        Lasts(recent, 9).ShouldBeNull("revision 10 was before this frontend's time");
        recent.Head.ShouldBe(13);
    }

    [Fact]
    public void Old_batches_are_dropped_whole_when_there_are_too_many_events()
    {
        RecentEvents recent = new(1);
        for (long revision = 2; revision < 20_000; revision += 2)
        {
            recent.Add([Changes.Put(revision), Changes.Put(revision + 1)]);
        }

        long oldest = Enumerable.Range(1, 20_000).First(after => recent.After(after, out _) is not null);
        Lasts(recent, oldest)![0].ShouldBe(oldest + 2);
        recent.After(oldest, out long head)!.Sum(batch => batch.Events.Count).ShouldBeInRange(4000, 8192);
        head.ShouldBe(19_999);
    }

    [Fact]
    public void Big_values_make_it_remember_less_but_always_the_last_batch()
    {
        const int MiB = 1024 * 1024;
        RecentEvents recent = new(1);
        for (long revision = 2; revision < 100; revision++)
        {
            recent.Add([Changes.Put(revision, valueBytes: MiB)]);
        }

        Lasts(recent, 98).ShouldBe([99]);
        Enumerable.Range(1, 98).Count(after => recent.After(after, out _) is not null).ShouldBeInRange(10, 16);
        recent.Add([.. Enumerable.Range(0, 30).Select(sub => Changes.Put(100, sub: sub, valueBytes: MiB))]);
        Lasts(recent, 99).ShouldBe([100]);
        Lasts(recent, 98).ShouldBeNull();
    }

    [Fact]
    public void After_a_restart_nothing_from_before_is_there()
    {
        RecentEvents recent = new(1);
        recent.Add([Changes.Put(2)]);
        recent.Restart(1000);

        recent.Head.ShouldBe(1000);
        Lasts(recent, 2).ShouldBeNull();
        Lasts(recent, 1000).ShouldBe([]);
        recent.Add([Changes.Put(1001)]);
        Lasts(recent, 1000).ShouldBe([1001]);
    }

    private static List<long>? Lasts(RecentEvents recent, long after) => recent.After(after, out _)?.ConvertAll(batch => batch.Last);
}
