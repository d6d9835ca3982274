using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Ranges;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Ranges;

/// <summary>Whether a union of granted ranges holds what is asked for.</summary>
public sealed class Interval_sets
{
    private static readonly byte[] ToTheEnd = [0];

    [Theory]
    [InlineData("a", "", "a", "", true)]
    [InlineData("a", "", "b", "", false)]
    [InlineData("a", "", "a\0", "", false)]
    [InlineData("a", "c", "a", "c", true)]
    [InlineData("a", "c", "a", "c\0", false)]
    [InlineData("a", "c", "b", "", true)]
    [InlineData("a", "c", "c", "", false)]
    [InlineData("a", "c", "A", "b", false)]
    [InlineData("a", "c", "a", "\0", false)]
    [InlineData("a", "\0", "a", "\0", true)]
    [InlineData("a", "\0", "zzz", "\0", true)]
    [InlineData("b", "\0", "a", "\0", false)]
    [InlineData("b", "\0", "a", "c", false)]
    [Trait("advisory", "GHSA-xg4h-6gfc-h4m8")]
    public void A_range_is_covered_only_as_a_whole(string key, string end, string asked, string askedEnd, bool isCovered) =>
        Granting((key, end)).Covers(Range(asked, askedEnd)).ShouldBe(isCovered);

    [Fact]
    public void Ranges_that_touch_or_overlap_cover_together_and_those_apart_do_not()
    {
        IntervalSet keys = Granting(("c", "e"), ("a", "c"), ("d", "f"), ("g", "h"));

        keys.Covers(Range("a", "f")).ShouldBeTrue();
        keys.Covers(Range("a", "f\0")).ShouldBeFalse();
        keys.Covers(Range("a", "h")).ShouldBeFalse();
        keys.Covers(Range("g", "h")).ShouldBeTrue();
        Granting(("a", ""), ("a\0", "b")).Covers(Range("a", "b")).ShouldBeTrue();
        Granting(("a", ""), ("b", "c")).Covers(Range("a", "c")).ShouldBeFalse();
    }

    [Fact]
    public void The_first_key_decides_for_an_empty_range()
    {
        IntervalSet keys = Granting(("m", "p"));

        keys.Covers(Range("n", "n")).ShouldBeTrue();
        keys.Covers(Range("n", "a")).ShouldBeTrue();
        keys.Covers(Range("q", "n")).ShouldBeFalse();
        Granting(("p", "m"), ("q", "q")).Covers(Range("n", "")).ShouldBeFalse();
    }

    [Fact]
    public void It_agrees_with_a_check_of_every_key_one_by_one()
    {
        // Keys of up to two letters: a range of them is covered if each of them, and each in between, is.
        string[] alphabet = ["a", "b", "c"];
        string[] all = [.. alphabet, .. from first in alphabet from second in alphabet select first + second];
        // Between two neighbours of the alphabet there are more keys; those right behind a key stand for them.
        byte[][] keys = [.. all.SelectMany(key => (string[])[key, key + "\0", key + "z"]).Append("d").Append("zz").Select(Bytes)];
        string[] ends = [.. all, "", "\0", "d"];
        const int Seed = 4711;
        Random random = new(Seed);
        for (int i = 0; i < 20_000; i++)
        {
            (string Key, string End)[] granted = [.. Enumerable.Range(0, random.Next(5)).Select(_ => (Pick(all), Pick(ends)))];
            (string key, string end) = (Pick(all), Pick(ends));
            KeyRange asked = Range(key, end);
            KeyRange[] ranges = [.. granted.Select(one => Range(one.Key, one.End))];
            bool expected = asked.IsEmpty
                ? ranges.Any(one => one.Contains(Bytes(key)))
                : keys.Where(one => asked.Contains(one)).All(one => ranges.Any(range => range.Contains(one)));

            Granting(granted).Covers(asked).ShouldBe(expected, $"{key} to {end} in {string.Join(", ", granted)}");
        }

        string Pick(string[] choices) => choices[random.Next(choices.Length)];
    }

    private static IntervalSet Granting(params (string Key, string End)[] ranges) =>
        new(ranges.Select(range => Range(range.Key, range.End)));

    private static KeyRange Range(string key, string end) => new(Bytes(key), end == "\0" ? ToTheEnd : Bytes(end));

    private static byte[] Bytes(string text) => System.Text.Encoding.ASCII.GetBytes(text);
}
