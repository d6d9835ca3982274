using System.Globalization;
using FsCheck;
using FsCheck.Fluent;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Trees;

/// <summary>The tree, compared with a SortedDictionary.</summary>
public class Key_trees
{
    [Fact]
    public void Do_as_a_sorted_dictionary_does_over_long_histories_and_never_change_an_old_version()
    {
        // Few distinct keys make replacing and removing common, many make deep trees; long shared beginnings test the heads.
        Gen<(int Seed, int Keys, bool Long)> history =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from keys in Gen.Elements(10, 200, 3000, 12000)
            from shared in Gen.Elements(true, false)
            select (seed, keys, shared);
        Properties.Hold(history, h => RunHistory(h.Seed, h.Keys, h.Long), count: 16);
    }

    [Fact]
    public void Are_built_from_sorted_records_of_any_number()
    {
        Properties.Hold(Gen.Choose(0, 20_000), count =>
        {
            KeyRecord[] records = [.. Enumerable.Range(0, count).Select(i => TestKeys.Record(TestKeys.Numbered(i)))];
            KeyTree tree = KeyTree.FromSorted(records);
            tree.CheckInvariants();
            tree.Count.ShouldBe(count);
            ToArray(tree.Scan(TestKeys.All)).ShouldBe(records);
        }, count: 30);
        foreach (int count in new[] { 0, 1, 15, 16, 17, 63, 64, 65, 79, 80, 64 * 64, 64 * 64 + 1, 64 * 64 * 64 + 1 })
        {
            KeyTree.FromSorted(Enumerable.Range(0, count).Select(i => TestKeys.Record(TestKeys.Numbered(i)))).CheckInvariants();
        }
    }

    [Fact]
    public void Are_loaded_from_changes_as_if_these_were_made_one_after_the_other()
    {
        Gen<(int Seed, int Keys, int Batch)> loads =
            from seed in Gen.Choose(0, int.MaxValue - 1)
            from keys in Gen.Elements(1, 10, 200, 3000)
            from batch in Gen.Elements(1, 7, 100, 100_000)
            select (seed, keys, batch);
        Properties.Hold(loads, load =>
        {
            Random random = new(load.Seed);
            TreeLoader loader = new(load.Batch);
            KeyTree.Editor expected = KeyTree.Empty.Edit();
            for (int i = random.Next(2 * load.Keys + 2); i >= 0; i--)
            {
                byte[] key = [
                    .. "/shared/"u8, .. random.Next(load.Keys).ToString(CultureInfo.InvariantCulture).Select(digit => (byte)digit)];
                bool removes = random.Next(4) == 0;
                KeyRecord record = new(key, [(byte)i], 2, 2 + i, 0, removes ? 0 : 1, 0);
                loader.Add(record);
                _ = removes ? expected.Remove(key) : expected.Set(record);
            }

            KeyTree tree = loader.Build();
            tree.CheckInvariants();
            ToArray(tree.Scan(TestKeys.All)).ShouldBe(ToArray(expected.Freeze().Scan(TestKeys.All)));
        }, count: 60);
    }

    [Fact]
    public void Refuse_records_out_of_order()
    {
        KeyRecord[] twice = [TestKeys.Record("a"u8), TestKeys.Record("a"u8)];
        Should.Throw<ArgumentException>(() => KeyTree.FromSorted(twice));
        KeyRecord[] descending = [TestKeys.Record([0x80]), TestKeys.Record([0x7f])];
        Should.Throw<ArgumentException>(() => KeyTree.FromSorted(descending));
    }

    [Fact]
    public void Grow_and_shrink_in_ascending_and_descending_order()
    {
        foreach (bool ascending in new[] { true, false })
        {
            KeyTree.Editor editor = KeyTree.Empty.Edit();
            int[] order = ascending ? [.. Enumerable.Range(0, 5000)] : [.. Enumerable.Range(0, 5000).Reverse()];
            foreach (int i in order)
            {
                editor.Set(TestKeys.Record(TestKeys.Numbered(i))).ShouldBeNull();
            }

            editor.Freeze().CheckInvariants();
            foreach (int i in order)
            {
                editor.Remove(TestKeys.Numbered(i)).ShouldNotBeNull();
                if (i % 97 == 0)
                {
                    editor.Freeze().CheckInvariants();
                }
            }

            editor.Count.ShouldBe(0);
            editor.Freeze().ShouldBeSameAs(KeyTree.Empty);
        }
    }

    [Fact]
    public void Leave_an_edit_that_is_dropped_without_a_trace()
    {
        KeyTree tree = KeyTree.FromSorted(Enumerable.Range(0, 1000).Select(i => TestKeys.Record(TestKeys.Numbered(i))));
        KeyRecord[] before = ToArray(tree.Scan(TestKeys.All));
        KeyTree.Editor dropped = tree.Edit();
        for (int i = 0; i < 1000; i += 3)
        {
            dropped.Remove(TestKeys.Numbered(i));
        }

        KeyTree.Editor kept = tree.Edit();
        kept.Set(TestKeys.Record("z"u8));
        ToArray(tree.Scan(TestKeys.All)).ShouldBe(before);
        ToArray(kept.Freeze().Scan(TestKeys.All)).ShouldBe([.. before, kept.View.Find("z"u8)!]);
    }

    private static void RunHistory(int seed, int keys, bool shared)
    {
        Random random = new(seed);
        string beginning = shared ? "/registry/pods/a-rather-long-namespace/" : "";
        byte[][] pool = [.. Enumerable.Range(0, keys).Select(_ => TestKeys.Random(random, beginning)).Append([0]).Append([0xff, 0xff])];
        SortedDictionary<byte[], KeyRecord> model = new(TestKeys.Order);
        List<(KeyTree Tree, KeyRecord[] Records)> snapshots = [];
        KeyTree.Editor editor = KeyTree.Empty.Edit();
        int steps = keys * 4;
        for (int step = 0; step < steps; step++)
        {
            byte[] key = pool[random.Next(pool.Length)];
            model.TryGetValue(key, out KeyRecord? expected);
            // Phases of growth and shrinkage alternate.
            if (random.Next(100) < (step * 4 / steps % 2 == 0 ? 80 : 20))
            {
                KeyRecord record = TestKeys.Record(key, step);
                editor.Set(record).ShouldBeSameAs(expected);
                model[key] = record;
            }
            else
            {
                editor.Remove(key).ShouldBeSameAs(expected);
                model.Remove(key);
            }

            if (random.Next(keys) == 0 || step == steps - 1)
            {
                KeyTree tree = editor.Freeze();
                tree.CheckInvariants();
                snapshots.Add((tree, [.. model.Values]));
                if (random.Next(2) == 0)
                {
                    editor = tree.Edit();
                }
            }
        }

        foreach ((KeyTree tree, KeyRecord[] records) in snapshots)
        {
            Compare(tree, records, pool, random);
        }
    }

    private static void Compare(KeyTree tree, KeyRecord[] records, byte[][] pool, Random random)
    {
        tree.CheckInvariants();
        tree.Count.ShouldBe(records.Length);
        ToArray(tree.Scan(TestKeys.All)).SequenceEqual(records).ShouldBeTrue();
        for (int i = 0; i < 20; i++)
        {
            KeyRange range = TestKeys.RandomRange(random, pool);
            KeyRecord[] expected = [.. records.Where(record => range.Contains(record.Key))];
            tree.CountRange(range).ShouldBe(expected.Length);
            ToArray(tree.Scan(range)).SequenceEqual(expected).ShouldBeTrue();
            KeyRecord[] destination = new KeyRecord[random.Next(expected.Length + 3)];
            int copied = tree.CopyTo(range, destination);
            destination.Take(copied).SequenceEqual(expected.Take(destination.Length)).ShouldBeTrue();
            byte[] key = pool[random.Next(pool.Length)];
            tree.Find(key).ShouldBeSameAs(records.FirstOrDefault(record => record.Key.SequenceEqual(key)));
        }
    }

    private static KeyRecord[] ToArray(KeyScan scan)
    {
        List<KeyRecord> list = [];
        foreach (KeyRecord record in scan)
        {
            list.Add(record);
        }

        return [.. list];
    }
}
