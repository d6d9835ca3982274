using FsCheck;
using FsCheck.Fluent;
using PgEtcd.Mvcc.Keys;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests;

/// <summary>The rows that a compaction leaves, compared with the rule applied to each change separately.</summary>
public class Compacted_histories
{
    [Fact]
    public void Match_the_naive_rule()
    {
        Gen<(int Seed, int Keys, int Length)> histories =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from keys in Gen.Choose(1, 6)
            from length in Gen.Choose(0, 40)
            select (seed, keys, length);
        Properties.Hold(histories, h => Check(h.Seed, h.Keys, h.Length), count: 500);
    }

    [Fact]
    public void Hold_everything_of_a_store_that_was_never_compacted()
    {
        List<KvEvent> events = History(new Random(1), 3, 20);
        List<KvEvent> left = [.. events];
        CompactedHistory.Compact(left, -1);
        left.ShouldBe(events);
    }

    private static void Check(int seed, int keys, int length)
    {
        Random random = new(seed);
        List<KvEvent> events = History(random, keys, length);
        long mark = random.Next(1, length + 3);
        KvEvent[] expected = [
            .. events.Where(change => IsLeft(change)).Select(change => change.Revision > mark ? change : change with { Previous = null })];

        List<KvEvent> left = [.. events];
        CompactedHistory.Compact(left, mark);
        left.ShouldBe(expected);
        CompactedHistory.Compact(left, mark);
        left.ShouldBe(expected); // a second compaction at the same mark changes nothing

        bool IsLeft(KvEvent change)
        {
            if (change.Revision > mark)
            {
                return true;
            }

            bool isSuperseded = events.Any(other => other.Key.Span.SequenceEqual(change.Key.Span) && other.Revision <= mark
                && (other.Revision, other.Sub).CompareTo((change.Revision, change.Sub)) > 0);
            return !isSuperseded && !(change.IsDelete && change.Revision < mark);
        }
    }

    /// <summary>Changes of few keys in revisions of one to three changes, each with the value before it.</summary>
    private static List<KvEvent> History(Random random, int keys, int length)
    {
        List<KvEvent> events = [];
        Dictionary<int, KeyRecord> values = [];
        long revision = 2;
        int sub = 0;
        while (events.Count < length)
        {
            int key = random.Next(keys);
            byte[] name = TestKeys.Numbered(key);
            KeyRecord? previous = values.GetValueOrDefault(key);
            bool isDelete = previous is not null && random.Next(3) == 0;
            KeyRecord? record = isDelete ? null : TestKeys.Record(name, revision);
            events.Add(new KvEvent(name, record, previous, revision, sub));
            if (record is null)
            {
                values.Remove(key);
            }
            else
            {
                values[key] = record;
            }

            bool ends = sub == 2 || random.Next(2) == 0;
            (revision, sub) = ends ? (revision + 1, 0) : (revision, sub + 1);
        }

        return events;
    }
}
