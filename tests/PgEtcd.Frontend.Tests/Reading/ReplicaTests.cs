using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Revisions;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Reading;

public class ReplicaTests
{
    private static readonly HashSet<long> NoLeases = [];

    [Fact]
    public void A_batch_published_before_or_after_its_rows_were_taken_in_is_applied_once()
    {
        foreach (bool publishFirst in (bool[])[true, false])
        {
            Replica replica = new(KeySpace.Empty, 1);
            Fork fork = Batch(replica.Current, "a", "b", "a");
            Action[] moves = [() => replica.Publish(fork.Freeze(), fork.Events), () => replica.TakeIn(Rows(fork), At(4))];
            foreach (Action move in publishFirst ? moves : moves.Reverse())
            {
                move();
                replica.Current.Revision.ShouldBe(4);
                Show(replica.Current).ShouldBe(["a=2 2/4.0 v2", "b=1 3/3.0 v1"]);
            }
        }
    }

    [Fact]
    public void Rows_that_overlap_the_state_add_only_new_changes()
    {
        Replica replica = new(KeySpace.Empty, 1);
        Fork fork = Batch(replica.Current, "a", "b", "a", "c");
        LogRow[] rows = Rows(fork);
        replica.TakeIn(rows[..2], At(3));
        replica.TakeIn(rows[1..], At(5));

        replica.Current.Revision.ShouldBe(5);
        Show(replica.Current).ShouldBe(Show(fork.Freeze()));
    }

    [Fact]
    public void Invariant2_no_gaps_enter_the_replica()
    {
        Replica replica = new(KeySpace.Empty, 1);
        Fork fork = Batch(replica.Current, "a", "b", "c", "d");
        LogRow[] rows = Rows(fork);

        replica.TakeIn(rows[1..], At(5)).ShouldBeFalse();
        replica.TakeIn([rows[0], rows[1], rows[3]], At(5)).ShouldBeFalse();

        replica.Current.Revision.ShouldBe(1);
        replica.TakeIn(rows, At(5));
        replica.Current.Revision.ShouldBe(5);
    }

    [Fact]
    public void All_changes_of_one_revision_and_tombstones_are_applied()
    {
        Replica replica = new(KeySpace.Empty, 1);
        replica.TakeIn(
            [Row(2, 0, "a", "1"), Row(2, 1, "b", "2"), Row(2, 2, "c", "3"), Row(3, 0, "a", null), Row(3, 1, "b", null)], At(3));

        Show(replica.Current).ShouldBe(["c=3 2/2.2 v1"]);
    }

    [Fact]
    public void The_compaction_mark_and_the_auth_revision_never_go_back()
    {
        Replica replica = new(KeySpace.Empty, 1);
        Fork before = Batch(replica.Current, "a");
        replica.TakeIn(Rows(before), At(2));
        Fork late = Batch(replica.Current, "b");
        replica.TakeIn([], new LogPosition(2, 2, 9));

        replica.State.Position.ShouldBe(new LogPosition(2, 2, 9));
        replica.TakeIn([], new LogPosition(2, 1, 3));
        replica.State.Position.ShouldBe(new LogPosition(2, 2, 9));
        replica.Publish(late.Freeze(), late.Events); // evaluated before the mark moved
        replica.State.Position.ShouldBe(new LogPosition(3, 2, 9));
        replica.TakeIn(Rows(Batch(replica.Current, "c")), new LogPosition(4, -1, 1));
        replica.State.Position.ShouldBe(new LogPosition(4, 2, 9));
    }

    [Fact]
    public void A_state_given_out_in_pages_is_kept_until_the_store_is_far_ahead()
    {
        Replica replica = new(KeySpace.Empty, 1);
        Dictionary<long, string[]> seen = [];
        for (int i = 0; i < 40; i++)
        {
            Publish(replica, Batch(replica.Current, "k" + (i % 10)));
            if (i % 2 == 0)
            {
                replica.Keep(replica.Current);
                replica.Keep(replica.Current);
                seen[replica.Current.Revision] = Show(replica.Current);
            }
        }

        replica.At(replica.Current.Revision).ShouldBe(replica.Current);
        for (long revision = 0; revision < replica.Current.Revision; revision++)
        {
            KeySpace? state = replica.At(revision);
            if (seen.TryGetValue(revision, out string[]? shown))
            {
                Show(state.ShouldNotBeNull()).ShouldBe(shown);
                replica.Range(new RangeOperation { Key = new byte[1], RangeEnd = new byte[1], Revision = revision }, 99)!.Revision
                    .ShouldBe(99);
            }
            else
            {
                state.ShouldBeNull($"revision {revision}");
            }
        }

        LogRow late = Rows(Batch(replica.Current, "late"))[0];
        while (replica.Current.Revision < 20_010)
        {
            late = late with { Revision = replica.Current.Revision + 1 };
            replica.TakeIn([late], At(late.Revision));
        }

        replica.At(8).ShouldBeNull();
        replica.At(40).ShouldNotBeNull();
    }

    [Fact]
    public void The_oldest_of_many_paged_states_is_dropped()
    {
        Replica replica = new(KeySpace.Empty, 1);
        for (int i = 0; i < 40; i++)
        {
            Publish(replica, Batch(replica.Current, "k"));
            replica.Keep(replica.Current);
        }

        replica.At(9).ShouldBeNull();
        replica.At(10).ShouldNotBeNull();
    }

    [Fact]
    public void A_moved_mark_stays_with_the_newest_state()
    {
        Replica replica = new(KeySpace.Empty, 1);
        Publish(replica, Batch(replica.Current, "a", "b"));
        replica.TakeIn([], new LogPosition(3, 3, 1));

        replica.At(3)!.CompactRevision.ShouldBe(3);
    }

    private static void Publish(Replica replica, Fork fork) => replica.Publish(fork.Freeze(), fork.Events);

    private static Fork Batch(KeySpace from, params string[] keys)
    {
        Fork fork = from.Fork();
        for (int i = 0; i < keys.Length; i++)
        {
            fork.Evaluate(Put(keys[i], $"{i}"), NoLeases, new Replica(from, 1), out _).ShouldBe(KvError.None);
        }

        return fork;
    }

    private static LogRow[] Rows(Fork fork) => [.. fork.Events.Select(change => new LogRow(
        change.Revision, change.Sub, change.Key.ToArray(), change.Record?.Value.ToArray(),
        change.Record?.CreateRevision ?? 0, change.Record?.Version ?? 0, change.Record?.Lease ?? 0))];

    private static LogRow Row(long revision, int sub, string key, string? value) =>
        new(revision, sub, Bytes(key), value is null ? null : Bytes(value), value is null ? 0 : revision, value is null ? 0 : 1, 0);

    private static LogPosition At(long revision) => LogPosition.Empty with { Revision = revision };
}
