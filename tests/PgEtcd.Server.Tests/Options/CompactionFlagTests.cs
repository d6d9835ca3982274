using PgEtcd.Frontend.Compaction;
using PgEtcd.Server.CommandLines;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Options;

public sealed class CompactionFlagTests
{
    [Fact]
    public void Without_flags_nothing_is_compacted_or_archived_and_removal_has_etcds_pace()
    {
        CompactionOptions options = Parse();
        (options.RetainedPeriod, options.RetainedRevisions, options.HistoryRetention).ShouldBe((TimeSpan.Zero, 0, TimeSpan.Zero));
        (options.BatchLimit, options.SleepInterval).ShouldBe((1000, TimeSpan.FromMilliseconds(10)));
    }

    [Theory]
    [InlineData("1", 60)]
    [InlineData("0", 0)]
    [InlineData("5m", 5)]
    [InlineData("1h30m", 90)]
    [InlineData("0.5h", 30)]
    public void A_periodic_retention_is_hours_or_a_duration(string retention, double minutes) =>
        Parse("--auto-compaction-retention", retention).RetainedPeriod.ShouldBe(TimeSpan.FromMinutes(minutes));

    [Fact]
    public void A_retention_by_revision_is_a_count() =>
        Parse("--auto-compaction-mode=revision", "--auto-compaction-retention=1000").RetainedRevisions.ShouldBe(1000);

    [Theory]
    [InlineData("720h", 30)]
    [InlineData("30d", 30)]
    [InlineData("1d12h", 1.5)]
    public void The_history_is_kept_for_hours_or_days(string retention, double days) =>
        Parse("--history-retention", retention).HistoryRetention.ShouldBe(TimeSpan.FromDays(days));

    [Theory]
    [InlineData("compaction-batch-limit", "compaction-sleep-interval")]
    [InlineData("experimental-compaction-batch-limit", "experimental-compaction-sleep-interval")]
    public void The_pace_of_removal_is_set_by_the_new_names_and_the_old(string batch, string sleep)
    {
        CompactionOptions options = Parse($"--{batch}=50", $"--{sleep}=1.5s");
        (options.BatchLimit, options.SleepInterval).ShouldBe((50, TimeSpan.FromSeconds(1.5)));
    }

    [Theory]
    [InlineData("--auto-compaction-mode must be periodic or revision, not \"never\".", "--auto-compaction-mode", "never")]
    [InlineData(
        "--auto-compaction-retention must be a number of hours or a duration such as 5m or 72h, not \"soon\".",
        "--auto-compaction-retention", "soon")]
    [InlineData(
        "--auto-compaction-retention must be a number of hours or a duration such as 5m or 72h, not \"-1\".",
        "--auto-compaction-retention=-1")]
    [InlineData(
        "--auto-compaction-retention must be a number of hours or a duration such as 5m or 72h, not \"99999999999999999999\".",
        "--auto-compaction-retention=99999999999999999999")]
    [InlineData(
        "--auto-compaction-retention must be a number of revisions with --auto-compaction-mode=revision, not \"5m\".",
        "--auto-compaction-mode=revision", "--auto-compaction-retention=5m")]
    [InlineData("--history-retention must be a duration such as 10ms, 72h or 30d, not \"30\".", "--history-retention=30")]
    [InlineData(
        "--compaction-sleep-interval must be a duration such as 10ms, 72h or 30d, not \"10 ms\".",
        "--compaction-sleep-interval", "10 ms")]
    [InlineData("--compaction-batch-limit must be a whole number from 0 to 1000000, not \"-5\".", "--compaction-batch-limit=-5")]
    [InlineData(
        "--compaction-batch-limit and --experimental-compaction-batch-limit are the same flag: give one.", "--compaction-batch-limit=5",
        "--experimental-compaction-batch-limit=5")]
    public void A_bad_value_is_one_sentence_that_names_the_flag(string sentence, params string[] args) =>
        CommandLine.Parse(args, new Dictionary<string, string>()).Text.ShouldNotBeNull().ShouldContain(sentence);

    private static CompactionOptions Parse(params string[] args) =>
        CommandLine.Parse(args, new Dictionary<string, string>()).Options.ShouldNotBeNull().Compaction;
}
