using PgEtcd.Console.Visits;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Texts;

/// <summary>Moments as people write them.</summary>
public sealed class MomentTextTests
{
    [Theory]
    [InlineData("10 minutes ago", 600)]
    [InlineData("10m", 600)]
    [InlineData("90 s", 90)]
    [InlineData("1.5 h ago", 5400)]
    [InlineData("2 days ago", 172_800)]
    [InlineData("1 week ago", 604_800)]
    public void A_time_span_ago_is_parsed(string text, double seconds) =>
        MomentText.Parse(text).Ago.ShouldBe(TimeSpan.FromSeconds(seconds));

    [Theory]
    [InlineData("2026-11-30 12:00", "2026-11-30T12:00:00Z")]
    [InlineData("2026-11-30T12:00:00+02:00", "2026-11-30T10:00:00Z")]
    public void A_time_is_utc_unless_it_says_otherwise(string text, string utc) =>
        MomentText.Parse(text).Time.ShouldBe(DateTime.Parse(utc, null, System.Globalization.DateTimeStyles.AdjustToUniversal));

    [Theory]
    [InlineData("4711", 4711L)]
    [InlineData(" 1 ", 1L)]
    public void A_revision_is_parsed(string text, long revision) => MomentText.Parse(text).Revision.ShouldBe(revision);

    [Theory]
    [InlineData("")]
    [InlineData("soon")]
    [InlineData("-5")]
    [InlineData("999999999 weeks ago")]
    public void Other_texts_are_refused(string text) => MomentText.Parse(text).ShouldBe((null, null, null));
}
