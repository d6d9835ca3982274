using System.Diagnostics;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests.Histories;

public sealed class LinearizabilityCheckerTests
{
    private const string Nothing = Operation.Absent;

    [Fact]
    public void Sequential_operations_are_linearizable() => ShouldBeLinearizable(
        Read(1, 2, Nothing), Put(3, 4, "a"), Read(5, 6, "a"), Delete(7, 8), Read(9, 10, Nothing),
        Swap(11, 12, Nothing, "b"), Read(13, 14, "b"));

    [Fact]
    public void A_read_during_a_put_sees_either_value() => ShouldBeLinearizable(
        Put(1, 2, "a"), Put(3, 10, "b"), Read(4, 5, "a"), Read(6, 7, "b"), Read(8, 9, "b"));

    [Fact]
    public void Two_puts_at_once_come_in_either_order()
    {
        ShouldBeLinearizable(Put(1, 5, "a"), Put(2, 6, "b"), Read(7, 8, "a"));
        ShouldBeLinearizable(Put(1, 5, "a"), Put(2, 6, "b"), Read(7, 8, "b"));
    }

    [Fact]
    public void A_stale_read_is_refused() => ShouldBeRefused(Put(1, 2, "a"), Put(3, 4, "b"), Read(5, 6, "a"));

    [Fact]
    public void Reads_that_go_back_during_a_put_are_refused() => ShouldBeRefused(
        Put(1, 2, "a"), Put(3, 10, "b"), Read(4, 5, "b"), Read(6, 7, "a"));

    [Fact]
    public void A_lost_update_is_refused() => ShouldBeRefused(
        Put(1, 2, "a"), Put(3, 6, "b", saw: "a"), Put(4, 7, "c", saw: "a"));

    [Fact]
    public void A_compare_and_swap_that_succeeds_twice_is_refused() => ShouldBeRefused(
        Put(1, 2, "a"), Swap(3, 6, "a", "b"), Swap(4, 7, "a", "c"));

    [Fact]
    public void A_value_that_was_never_written_is_refused() => ShouldBeRefused(Put(1, 2, "a"), Read(1, 3, "b"));

    [Fact]
    public void A_read_of_a_value_before_its_put_is_refused() => ShouldBeRefused(Read(1, 2, "a"), Put(3, 4, "a"));

    [Fact]
    public void An_order_against_real_time_is_refused() => ShouldBeRefused(
        Put(1, 2, "a"), Put(3, 4, "b"), Swap(5, 6, "a", "c"), Read(7, 8, "b"));

    [Fact]
    public void A_key_that_comes_back_after_its_delete_is_refused() => ShouldBeRefused(Put(1, 2, "a"), Delete(3, 4), Read(5, 6, "a"));

    [Fact]
    public void Without_an_answer_an_operation_may_happen_at_once_later_or_never()
    {
        Operation open = Put(1, Operation.Never, "a");
        ShouldBeLinearizable(open, Read(2, 3, "a"), Read(4, 5, "a"));
        ShouldBeLinearizable(open, Read(2, 3, Nothing), Put(4, 5, "b"), Read(6, 7, "a"));
        ShouldBeLinearizable(open, Read(2, 3, Nothing), Read(4, 5, Nothing));
    }

    [Fact]
    public void Without_an_answer_an_operation_happens_at_most_once_and_not_before_its_request()
    {
        ShouldBeRefused(Put(1, Operation.Never, "a"), Read(2, 3, "a"), Put(4, 5, "b"), Read(6, 7, "b"), Read(8, 9, "a"));
        ShouldBeRefused(Read(1, 2, "a"), Put(3, Operation.Never, "a"));
        Operation[] vanishes = [Put(1, 2, "a"), Read(6, 7, Nothing), Put(8, 9, "b"), Read(10, 11, Nothing)];
        ShouldBeRefused([.. vanishes, Delete(3, Operation.Never)]);
        ShouldBeLinearizable([.. vanishes, Delete(3, Operation.Never), Delete(4, Operation.Never)]);
    }

    /// <summary>The possible effect and time of the end of a lease.</summary>
    [Fact]
    public void A_conditional_delete_takes_its_own_value_only_and_not_before_its_time()
    {
        Operation ends = new("k", 5, Operation.Never, If: "a", Left: Nothing);
        ShouldBeLinearizable(ends, Put(1, 2, "a"), Read(6, 7, Nothing));
        ShouldBeLinearizable(ends, Put(1, 2, "a"), Read(6, 7, "a"));
        ShouldBeRefused(ends, Put(1, 2, "a"), Read(3, 4, Nothing));
        ShouldBeRefused(ends, Put(1, 2, "a"), Put(3, 4, "b"), Read(6, 7, Nothing));
    }

    [Fact]
    public void An_answered_conditional_delete_leaves_no_matching_value()
    {
        Operation revoked = new("k", 3, 4, If: "a", Left: Nothing);
        ShouldBeLinearizable(revoked, Put(1, 2, "a"), Read(5, 6, Nothing));
        ShouldBeLinearizable(revoked, Put(1, 2, "b"), Read(5, 6, "b"));
        ShouldBeRefused(revoked, Put(1, 2, "a"), Read(5, 6, "a"));
    }

    [Fact]
    public void Keys_are_checked_independently()
    {
        Operation[] fine = [Put(1, 2, "a"), Read(3, 4, "a")];
        Operation[] stale = [Put(1, 2, "b"), Read(3, 4, Nothing)];
        ShouldBeLinearizable([.. fine, .. fine.Select(operation => operation with { Key = "other" })]);
        LinearizabilityChecker.Violation([.. fine, .. stale.Select(operation => operation with { Key = "other" })])
            .ShouldNotBeNull().ShouldStartWith("other is not linearizable");
    }

    [Fact]
    public void Every_history_of_a_sequential_store_is_accepted()
    {
        for (int seed = 0; seed < 300; seed++)
        {
            LinearizabilityChecker.Violation(SimulatedStore.Run(seed).Operations).ShouldBeNull($"seed {seed}");
        }
    }

    [Fact]
    public void Lost_writes_and_stale_reads_are_detected()
    {
        for (int seed = 0; seed < 50; seed++)
        {
            foreach (SimulatedFault fault in (SimulatedFault[])[SimulatedFault.LosesWrites, SimulatedFault.ReadsStale])
            {
                LinearizabilityChecker.Violation(SimulatedStore.Run(seed, fault: fault).Operations).ShouldNotBeNull($"{fault} {seed}");
            }
        }
    }

    /// <summary>Each mutation makes a history that no order explains.</summary>
    [Theory]
    [InlineData(nameof(NeverWritten))]
    [InlineData(nameof(Stale))]
    [InlineData(nameof(SwappedTwice))]
    [InlineData(nameof(LostUpdate))]
    [InlineData(nameof(Reordered))]
    public void A_mutated_history_is_refused(string mutation)
    {
        int mutated = 0;
        for (int seed = 0; seed < 100; seed++)
        {
            List<Operation> history = SimulatedStore.Run(seed).Operations;
            Random random = new(seed);
            Operation[] closed = [.. history.Where(operation => !operation.IsOpen)];
            random.Shuffle(closed);
            (Operation Out, Operation In)? change = mutation switch
            {
                nameof(NeverWritten) => NeverWritten(closed),
                nameof(Stale) => Stale(closed),
                nameof(SwappedTwice) => SwappedTwice(closed),
                nameof(LostUpdate) => LostUpdate(closed),
                _ => Reordered(closed),
            };
            if (change is { } found)
            {
                mutated++;
                LinearizabilityChecker.Violation(history.Where(operation => operation != found.Out).Append(found.In))
                    .ShouldNotBeNull($"seed {seed}: {found.In} instead of {found.Out}");
            }
        }

        mutated.ShouldBeGreaterThan(90);
    }

    /// <summary>Small histories of any kind, most of them impossible, compared with a search that tries every order.</summary>
    [Fact]
    public void The_verdict_equals_that_of_an_exhaustive_search()
    {
        Random random = new(1);
        int accepted = 0;
        for (int round = 0; round < 30_000; round++)
        {
            Operation[] history = [.. Enumerable.Range(0, random.Next(1, 7)).Select(_ => Any(random))];
            bool isLinearizable = HasOrder([.. history], Nothing);
            accepted += isLinearizable ? 1 : 0;
            (LinearizabilityChecker.Violation(history) is null).ShouldBe(isLinearizable, string.Join("; ", (object[])history));
        }

        accepted.ShouldBeInRange(3_000, 27_000);
    }

    /// <summary>The size of a fault test's history. A search without the rules would take hours.</summary>
    [Fact]
    public void Ten_thousand_calls_of_twenty_clients_on_twenty_keys_take_seconds()
    {
        List<Operation> history = SimulatedStore.Run(seed: 1, clients: 20, keys: 20, calls: 10_000).Operations;
        Stopwatch clock = Stopwatch.StartNew();
        LinearizabilityChecker.Violation(history).ShouldBeNull();
        List<Operation> hot = SimulatedStore.Run(seed: 2, clients: 20, keys: 1, calls: 10_000).Operations;
        LinearizabilityChecker.Violation(hot).ShouldBeNull();
        clock.Elapsed.ShouldBeLessThan(TimeSpan.FromSeconds(30));
    }

    private static void ShouldBeLinearizable(params Operation[] history) => LinearizabilityChecker.Violation(history).ShouldBeNull();

    private static void ShouldBeRefused(params Operation[] history) =>
        LinearizabilityChecker.Violation(history).ShouldNotBeNull().ShouldStartWith("k is not linearizable");

    private static Operation Read(long start, long end, string saw) => new("k", start, end, Saw: saw);

    private static Operation Put(long start, long end, string value, string? saw = null) => new("k", start, end, Saw: saw, Left: value);

    private static Operation Delete(long start, long end) => new("k", start, end, Left: Nothing);

    /// <summary>A successful compare-and-swap.</summary>
    private static Operation Swap(long start, long end, string expected, string value) => new("k", start, end, Saw: expected, Left: value);

    private static (Operation, Operation)? NeverWritten(Operation[] closed) =>
        (closed[0], closed[0] with { Saw = "never written" });

    /// <summary>A read that began after its value was overwritten.</summary>
    private static (Operation, Operation)? Stale(Operation[] closed) => (
        from read in closed
        where read.Left is null
        from overwriting in closed
        where overwriting.Key == read.Key && Saw(overwriting) && overwriting.End < read.Start
        select ((Operation, Operation)?)(read, read with { Saw = overwriting.Saw })).FirstOrDefault();

    /// <summary>Turns a failed swap, or a read, into a swap of a value that another operation has replaced.</summary>
    private static (Operation, Operation)? SwappedTwice(Operation[] closed) => (
        from swap in closed
        where Saw(swap)
        from other in closed
        where other.Key == swap.Key && other.Left is null
        select ((Operation, Operation)?)(other, other with { Saw = swap.Saw, Left = "swapped again" })).FirstOrDefault();

    /// <summary>An operation that follows a write, and began after it, now saw the value before the write.</summary>
    private static (Operation, Operation)? LostUpdate(Operation[] closed) => (
        from write in closed
        where Saw(write)
        from next in closed
        where next.Key == write.Key && next.Saw == write.Left && next.Left is not null && write.End < next.Start
        select ((Operation, Operation)?)(next, next with { Saw = write.Saw })).FirstOrDefault();

    /// <summary>Moves a write behind the end of an operation that saw its value.</summary>
    private static (Operation, Operation)? Reordered(Operation[] closed) => (
        from write in closed
        where write.Left is not null and not Nothing
        from next in closed
        where next.Key == write.Key && next.Saw == write.Left
        select ((Operation, Operation)?)(write, write with { Start = next.End + 1, End = next.End + 2 })).FirstOrDefault();

    /// <summary>Whether the operation has replaced a value that was put once.</summary>
    private static bool Saw(Operation operation) => operation is { Left: not null, Saw: not null and not Nothing };

    private static Operation Any(Random random)
    {
        string[] values = [Nothing, "a", "b"];
        long start = random.Next(10);
        return new Operation(
            "k", start, random.Next(4) == 0 ? Operation.Never : start + random.Next(6),
            Saw: random.Next(2) == 0 ? values[random.Next(3)] : null,
            If: random.Next(4) == 0 ? values[random.Next(3)] : null,
            Left: random.Next(2) == 0 ? values[random.Next(3)] : null);
    }

    private static bool HasOrder(Operation[] left, string value) => left.All(operation => operation.IsOpen)
        || left.Where((operation, at) => left.All(other => other.End >= operation.Start)
            && operation.After(value) is { } after
            && HasOrder([.. left[..at], .. left[(at + 1)..]], after)).Any();
}
