using FsCheck;
using FsCheck.Fluent;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Ranges;

/// <summary>The index, compared with a linear search of a list of pairs.</summary>
public class Key_range_indexes
{
    [Fact]
    public void Find_what_a_search_of_all_pairs_finds_over_long_histories_of_adding_and_removing()
    {
        // Few keys make equal ranges common, few items make the same item on several ranges common.
        Gen<(int Seed, int Keys, int Items)> history =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from keys in Gen.Elements(3, 30, 2000)
            from items in Gen.Elements(2, 50, 5000)
            select (seed, keys, items);
        Properties.Hold(history, h => RunHistory(h.Seed, h.Keys, h.Items), count: 20);
    }

    [Fact]
    public void Hold_an_item_on_two_ranges_twice_and_on_one_range_once()
    {
        KeyRangeIndex<string> index = new();
        KeyRange key = new(new byte[] { 5 }, default);
        KeyRange range = new(new byte[] { 5 }, new byte[] { 6 });
        index.Add(key, "a").ShouldBeTrue();
        index.Add(key, "a").ShouldBeFalse();
        index.Add(range, "a").ShouldBeTrue();
        index.Add(range, "a").ShouldBeFalse();
        index.Add(range, "b").ShouldBeTrue();
        index.Count.ShouldBe(3);
        Found(index, [5]).ShouldBe(["a", "a", "b"]);
        index.Remove(key, "b").ShouldBeFalse();
        index.Remove(key, "a").ShouldBeTrue();
        index.Remove(key, "a").ShouldBeFalse();
        Found(index, [5]).ShouldBe(["a", "b"]);
        Found(index, [5, 0]).ShouldBe(["a", "b"]);
        Found(index, [6]).ShouldBeEmpty();
    }

    [Fact]
    public void Append_to_what_was_found_before()
    {
        KeyRangeIndex<int> index = new();
        index.Add(TestKeys.All, 2);
        List<int> found = [1];
        index.Find([9], found);
        found.ShouldBe([1, 2]);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Look_at_few_of_ten_thousand_disjoint_ranges(bool shuffled)
    {
        const int Count = 10_000;
        int[] order = [.. Enumerable.Range(0, Count)];
        if (shuffled)
        {
            new Random(1).Shuffle(order);
        }

        KeyRangeTree<int> tree = new();
        foreach (int i in order)
        {
            tree.Add(new KeyRange(TestKeys.Numbered(2 * i), TestKeys.Numbered((2 * i) + 1)), i);
        }

        List<int> found = [];
        for (int i = 0; i < Count; i++)
        {
            // Two to three times log2 n is the depth to expect of a treap; a bad tree would have hundreds.
            tree.Find(TestKeys.Numbered(2 * i), found).ShouldBeLessThan(100);
            tree.Find(TestKeys.Numbered((2 * i) + 1), found).ShouldBeLessThan(100);
        }

        found.ShouldBe(Enumerable.Range(0, Count));
    }

    private static void RunHistory(int seed, int keys, int items)
    {
        Random random = new(seed);
        byte[][] pool = [.. Enumerable.Range(0, keys).Select(_ => TestKeys.Random(random))];
        KeyRangeIndex<int> index = new();
        List<(KeyRange Range, int Item)> pairs = [];
        // Growing at first, then shrinking to nothing.
        for (int step = 0; step < 3000 || pairs.Count > 0; step++)
        {
            if (random.Next(3000) > step)
            {
                (KeyRange Range, int Item) pair = (TestKeys.RandomRange(random, pool), random.Next(items));
                bool isNew = !pairs.Exists(p => Same(p, pair));
                index.Add(pair.Range, pair.Item).ShouldBe(isNew);
                if (isNew)
                {
                    pairs.Add(pair);
                }
            }
            else if (random.Next(10) == 0)
            {
                (KeyRange Range, int Item) pair = (TestKeys.RandomRange(random, pool), random.Next(items));
                index.Remove(pair.Range, pair.Item).ShouldBe(pairs.RemoveAll(p => Same(p, pair)) == 1);
            }
            else if (pairs.Count > 0)
            {
                int victim = random.Next(pairs.Count);
                index.Remove(pairs[victim].Range, pairs[victim].Item).ShouldBeTrue();
                pairs[victim] = pairs[^1];
                pairs.RemoveAt(pairs.Count - 1);
            }

            index.Count.ShouldBe(pairs.Count);
            if (step % 20 == 0)
            {
                byte[] key = random.Next(4) == 0 ? TestKeys.Random(random) : pool[random.Next(keys)];
                Found(index, key).ShouldBe(pairs.Where(p => p.Range.Contains(key)).Select(p => p.Item).Order());
            }
        }

        Found(index, pool[0]).ShouldBeEmpty();
    }

    private static bool Same((KeyRange Range, int Item) a, (KeyRange Range, int Item) b) =>
        a.Item == b.Item
        && a.Range.Start.Span.SequenceEqual(b.Range.Start.Span)
        && a.Range.End.Span.SequenceEqual(b.Range.End.Span);

    private static T[] Found<T>(KeyRangeIndex<T> index, byte[] key)
        where T : notnull
    {
        List<T> found = [];
        index.Find(key, found);
        return [.. found.Order()];
    }
}
