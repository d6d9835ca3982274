using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>The log and the revisions as evidence, on histories of a simulated store.</summary>
public sealed class LogCheckTests
{
    [Fact]
    public void The_log_of_a_sequential_store_is_accepted()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            SimulatedStore store = SimulatedStore.Run(seed);
            LogCheck.Violations(store.Calls, store.Log, 0).ShouldBeEmpty($"seed {seed}");
            RevisionOrder.Violations(store.Calls).ShouldBeEmpty($"seed {seed}");
        }
    }

    [Fact]
    public void Lost_writes_and_stale_reads_are_detected_by_the_log()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            SimulatedStore loses = SimulatedStore.Run(seed, fault: SimulatedFault.LosesWrites);
            LogCheck.Violations(loses.Calls, loses.Log, 0).ShouldNotBeEmpty($"seed {seed}");
            RevisionOrder.Violations(loses.Calls).ShouldNotBeEmpty($"seed {seed}");
            SimulatedStore stale = SimulatedStore.Run(seed, fault: SimulatedFault.ReadsStale);
            LogCheck.Violations(stale.Calls, stale.Log, 0).ShouldNotBeEmpty($"seed {seed}");
        }
    }

    [Fact]
    public void Every_missing_row_is_detected()
    {
        SimulatedStore store = SimulatedStore.Run(seed: 1);
        ILookup<long, Call> acknowledged = store.Calls.Where(call => call.IsWrite).ToLookup(call => call.Revision);
        foreach (LogRow row in store.Log.Where(row => acknowledged.Contains(row.Revision)))
        {
            LogCheck.Violations(store.Calls, [.. store.Log.Where(other => other != row)], 0)
                .ShouldContain(violation => violation.Contains("acknowledged, and not in the log", StringComparison.Ordinal));
        }
    }

    [Fact]
    public void A_duplicate_row_is_detected()
    {
        SimulatedStore store = SimulatedStore.Run(seed: 1);
        LogRow row = store.Log.First(row => row.Value != Operation.Absent);
        LogCheck.Violations(store.Calls, [.. store.Log, row with { Revision = 10_000 }], 0)
            .ShouldContain(violation => violation.Contains("more than once", StringComparison.Ordinal));
    }

    [Fact]
    public void Refused_and_unrequested_writes_must_not_be_in_the_log()
    {
        SimulatedStore store = SimulatedStore.Run(seed: 1);
        Operation refused = store.Calls.First(call => call.Outcome == Outcome.Refused).Operations[0];
        LogCheck.Violations(store.Calls, [.. store.Log, new LogRow(10_000, refused.Key, refused.Left!, long.MaxValue)], 0)
            .ShouldContain(violation => violation.Contains("and yet it is in the log", StringComparison.Ordinal));
        LogCheck.Violations(store.Calls, [.. store.Log, new LogRow(10_000, "k0", "from nowhere", long.MaxValue)], 0)
            .ShouldContain(violation => violation.Contains("No call explains", StringComparison.Ordinal));
    }

    [Fact]
    public void A_key_must_not_vanish_before_its_lease_may_end()
    {
        Call put = new("client", Outcome.Answered, 2, new Operation("k", 1, 2, Left: "a"));
        Call end = new("lease", Outcome.Unknown, 0, new Operation("k", 100, Operation.Never, If: "a", Left: Operation.Absent));
        LogRow row = new(2, "k", "a", 1);
        LogCheck.Violations([put, end], [row, new LogRow(3, "k", Operation.Absent, 100)], 0).ShouldBeEmpty();
        LogCheck.Violations([put, end], [row], 0).ShouldBeEmpty();
        LogCheck.Violations([put, end], [row, new LogRow(3, "k", Operation.Absent, 99)], 0)
            .ShouldHaveSingleItem().ShouldStartWith("No call explains");
    }

    [Fact]
    public void A_transaction_of_two_keys_is_in_the_log_as_a_whole()
    {
        Call pair = new("client", Outcome.Unknown, 0,
            new Operation("k", 1, Operation.Never, Left: "a"), new Operation("l", 1, Operation.Never, Left: "b"));
        LogCheck.Violations([pair], [], 0).ShouldBeEmpty();
        LogCheck.Violations([pair], [new LogRow(2, "k", "a", 1), new LogRow(2, "l", "b", 1)], 0).ShouldBeEmpty();
        LogCheck.Violations([pair], [new LogRow(2, "k", "a", 1)], 0).ShouldHaveSingleItem();
        LogCheck.Violations([pair], [new LogRow(2, "k", "a", 1), new LogRow(3, "l", "b", 1)], 0).ShouldHaveSingleItem();
    }

    [Fact]
    public void Revisions_must_not_decrease_or_repeat()
    {
        Call first = new("client", Outcome.Answered, 7, new Operation("k", 1, 2, Left: "a"));
        Call read = new("client", Outcome.Answered, 7, new Operation("k", 3, 4, Saw: "a"));
        RevisionOrder.Violations([first, read]).ShouldBeEmpty();
        RevisionOrder.Violations([first, read with { Revision = 6 }]).ShouldHaveSingleItem();
        Call atOnce = new("client", Outcome.Answered, 7, new Operation("l", 2, 5, Left: "b"));
        RevisionOrder.Violations([first, atOnce with { Revision = 6 }]).ShouldBeEmpty();
        RevisionOrder.Violations([first, atOnce]).ShouldHaveSingleItem().ShouldStartWith("Two writes have one revision");
    }
}
