using System.Text;
using PgEtcd.Console.Reading;
using PgEtcd.Console.Texts;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Trees;
using PgEtcd.Postgres.Browsing;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Reading;

/// <summary>Levels, lists and searches in memory. The SQL tests show that the past gives the same results.</summary>
public sealed class PresentKeysTests
{
    private static readonly KeyTree Tree = TreeOf("", "/lead", "//double", "a", "a/", "a/1", "a/2/x", "a/2/y", "b", "c/d");

    [Fact]
    public void A_level_has_keys_and_branches_and_hides_nothing()
    {
        Level("").ShouldBe(["", "/ 2", "a", "a/ 4", "b", "c/ 1"]);
        Level("/").ShouldBe(["// 1", "/lead"]);
        Level("a/").ShouldBe(["a/", "a/1", "a/2/ 2"]);
        Level("nothing/").ShouldBeEmpty();
        Level("", separator: "").ShouldBe(["", "//double", "/lead", "a", "a/", "a/1", "a/2/x", "a/2/y", "b", "c/d"]);
    }

    [Fact]
    public void A_page_continues_after_the_last_entry_of_the_previous_one()
    {
        Level("", most: 3).ShouldBe(["", "/ 2", "a"]);
        Level("", from: "a/").ShouldBe(["a/ 4", "b", "c/ 1"]);
    }

    [Fact]
    public void Prefixes_of_the_highest_bytes_end_the_level() =>
        PresentKeys.Level(TreeOf([[0xff, 0x2f, 1], [0xff, 0xff, 0x2f]]), [0xff], "/"u8.ToArray(), [], 10)
            .Select(entry => (KeyText.Of(entry.Entry), entry.Keys)).ShouldBe([(@"\xff/", 1L), (@"\xff\xff/", 1L)]);

    [Fact]
    public void A_search_finds_in_keys_and_in_the_values_that_may_be_searched()
    {
        Find("/2/", null).ShouldBe(["a/2/x", "a/2/y"]);
        Find("value of b", null).ShouldBeEmpty();
        Find("value of b", _ => true).ShouldBe(["b"]);
        Find("value of", record => record.Key.SequenceEqual("c/d"u8)).ShouldBe(["c/d"]);

        static string[] Find(string wanted, Func<KeyRecord, bool>? values) =>
            [.. PresentKeys.Search(Tree, [], null, Encoding.UTF8.GetBytes(wanted), values, 10, 5, default).Select(
                key => Encoding.UTF8.GetString(key.Key))];
    }

    [Fact]
    public void A_level_is_fast_with_a_million_keys_below_one_prefix()
    {
        KeyTree tree = KeyTree.FromSorted(Enumerable.Range(0, 1_000_000).Select(
            n => new KeyRecord(Encoding.ASCII.GetBytes($"many/{n / 1000:000}/{n % 1000:000}"), "v"u8, 2, 2, 0, 1, 0)));
        List<LevelEntry> level = PresentKeys.Level(tree, "many/"u8.ToArray(), "/"u8.ToArray(), [], 2000);
        level.Count.ShouldBe(1000);
        level.ShouldAllBe(entry => entry.Keys == 1000);
    }

    private static string[] Level(string prefix, string separator = "/", string from = "", int most = 100) =>
        [.. PresentKeys.Level(Tree, Encoding.UTF8.GetBytes(prefix), Encoding.UTF8.GetBytes(separator), Encoding.UTF8.GetBytes(from), most)
            .Select(entry => Encoding.UTF8.GetString(entry.Entry) + (entry.IsKey ? "" : $" {entry.Keys}"))];

    private static KeyTree TreeOf(params string[] keys) => TreeOf([.. keys.Select(Encoding.UTF8.GetBytes)]);

    private static KeyTree TreeOf(byte[][] keys)
    {
        KeyTree.Editor editor = KeyTree.Empty.Edit();
        foreach (byte[] key in keys)
        {
            editor.Set(new KeyRecord(key, [.. "value of "u8, .. key], 2, 2, 0, 1, 0));
        }

        return editor.Freeze();
    }
}
