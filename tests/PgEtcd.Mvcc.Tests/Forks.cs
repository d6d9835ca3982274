using System.Collections.Immutable;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Mvcc.Tests.Model;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests;

public class Forks
{
    internal static readonly IHistory Nothing = new NoHistory();

    [Fact]
    public void Answer_key_not_found_and_change_nothing_where_etcd_panics()
    {
        // Found while the transcripts were recorded (past-bugs.md): the delete to the end escapes the duplicate check.
        KeySpace space = Space(("a", 5), ("b", 0));
        Operation[] puts = [
            new PutOperation { Key = Text.Bytes("a"), IgnoreValue = true }, new PutOperation { Key = Text.Bytes("b"), IgnoreLease = true }];
        foreach (Operation put in puts)
        {
            Fork fork = space.Fork();
            TxnOperation txn = new()
            {
                Success = [Put("new", 6), new DeleteRangeOperation { Key = Text.Bytes("a"), RangeEnd = new byte[1] }, put],
            };
            RequestCheck.Check(txn, 128).ShouldBe(KvError.None);
            Evaluate(fork, txn).Error.ShouldBe(KvError.KeyNotFound);
            fork.Events.ShouldBeEmpty();
            fork.Revision.ShouldBe(space.Revision);
            Same(fork.Freeze(), space);
        }
    }

    /// <summary>Fault A4.</summary>
    [Fact]
    public void Change_nothing_when_the_answer_would_be_larger_than_a_message_can_be()
    {
        byte[] key = Text.Bytes("big");
        Fork fork = KeySpace.Empty.Fork();
        fork.Put(new KeyRecord(key, new byte[20_000_000], 2, 2, 0, 1, 0));
        KeySpace space = fork.Freeze();
        fork = space.Fork();
        RangeOperation big = new() { Key = key };
        TxnOperation nested = new() { Success = [.. Enumerable.Repeat(big, 60)] };
        Should.Throw<AnswerTooLargeException>(() => Evaluate(fork, new TxnOperation { Success = [Put("new", 0), nested, nested] }))
            .Size.ShouldBeInRange(int.MaxValue, int.MaxValue + 30_000_000L);
        fork.Events.ShouldBeEmpty();
        Same(fork.Freeze(), space);
        Evaluate(fork, nested).Error.ShouldBe(KvError.None);
    }

    /// <summary>Fault A4: a delete outside of a transaction was applied, and then could not be answered.</summary>
    [Fact]
    public void Change_nothing_when_a_delete_would_show_more_than_a_message_can_hold()
    {
        KeySpace space = Space(("a", 0), ("b", 0), ("c", 0));
        DeleteRangeOperation silent = new() { Key = Text.Bytes("a"), RangeEnd = new byte[1] };
        DeleteRangeOperation showing = new() { Key = Text.Bytes("a"), RangeEnd = new byte[1], PrevKv = true };
        Fork fork = space.Fork();
        fork.MostAnswerBytes = 90;
        Should.Throw<AnswerTooLargeException>(() => Evaluate(fork, showing));
        fork.Events.ShouldBeEmpty();
        fork.Revision.ShouldBe(space.Revision);
        Same(fork.Freeze(), space);

        ((DeleteRangeResult)Evaluate(fork, silent).Result!).Deleted.ShouldBe(3);
    }

    [Fact]
    public void Change_nothing_when_history_is_not_at_hand_and_go_on_when_it_is()
    {
        KeySpace space = Space(("a", 0), ("b", 0), ("c", 0));
        Fork fork = space.Fork();
        TxnOperation txn = new() { Success = [Put("d", 0), new RangeOperation { Key = Text.Bytes("a"), Revision = 2 }] };
        Evaluate(fork, txn).Error.ShouldBe(KvError.HistoryNeeded);
        fork.Events.ShouldBeEmpty();
        Same(fork.Freeze(), space);
        fork.Evaluate(txn, ImmutableHashSet<long>.Empty, new Versions(Space(("a", 0))), out OperationResult? result).ShouldBe(KvError.None);
        result!.Revision.ShouldBe(5);
    }

    [Fact]
    public void Fail_a_whole_transaction_that_reads_a_compacted_revision_etcd_18667()
    {
        KeySpace space = Space(("a", 0), ("b", 0)).WithCompactRevision(3);
        Fork fork = space.Fork();
        TxnOperation txn = new() { Success = [Put("c", 0), new RangeOperation { Key = Text.Bytes("a"), Revision = 2 }] };
        Evaluate(fork, txn).Error.ShouldBe(KvError.Compacted);
        fork.Events.ShouldBeEmpty();
        Same(fork.Freeze(), space);
    }

    [Fact]
    public void Refuse_a_put_on_a_missing_lease_first_alone_and_second_in_a_transaction()
    {
        PutOperation put = new() { Key = Text.Bytes("a"), Lease = 7, IgnoreValue = true };
        Fork fork = KeySpace.Empty.Fork();
        fork.Evaluate(put, new HashSet<long> { 7 }, Nothing, out _).ShouldBe(KvError.LeaseNotFound);
        fork.Evaluate(new TxnOperation { Success = [put] }, new HashSet<long> { 7 }, Nothing, out _).ShouldBe(KvError.KeyNotFound);
    }

    /// <summary>Fault C13: etcd 3.6 checks the operations in order at every depth, 3.4 all puts first.</summary>
    [Fact]
    public void Check_the_operations_of_a_transaction_in_their_order()
    {
        RangeOperation compacted = new() { Key = Text.Bytes("q"), Revision = long.MinValue };
        RangeOperation future = new() { Key = Text.Bytes("q"), Revision = 99 };
        PutOperation absent = new() { Key = Text.Bytes("q"), IgnoreValue = true };
        PutOperation leased = new() { Key = Text.Bytes("a"), Lease = 7 };
        (Operation Operation, KvError Error)[] refused =
            [
                (compacted, KvError.Compacted), (future, KvError.FutureRevision), (absent, KvError.KeyNotFound),
                (leased, KvError.LeaseNotFound)];
        Fork fork = Space(("a", 0)).Fork();
        foreach ((Operation first, KvError error) in refused)
        {
            foreach ((Operation second, _) in refused)
            {
                TxnOperation both = new() { Success = [Put("b", 0), first, second] };
                TxnOperation[] shapes =
                [
                    both,
                    new TxnOperation { Success = [both] },
                    new TxnOperation { Success = [new TxnOperation(), new TxnOperation { Success = [first] }, second] },
                    new TxnOperation { Success = [first, new TxnOperation { Success = [second] }] },
                    new TxnOperation { Failure = [second], Success = [new TxnOperation { Success = [first], Failure = [second] }, second] },
                ];
                foreach (TxnOperation txn in shapes)
                {
                    fork.Evaluate(txn, new HashSet<long> { 7 }, Nothing, out _).ShouldBe(error);
                }
            }
        }

        fork.Events.ShouldBeEmpty();
    }

    [Fact]
    public void Say_what_a_key_was_before_the_revision_even_when_it_changes_twice_in_it()
    {
        KeySpace space = Space(("a", 0));
        KeyRecord before = space.Keys.Find("a"u8)!;
        Fork fork = space.Fork();
        DeleteRangeOperation deleteAll = new() { Key = Text.Bytes("a"), RangeEnd = new byte[1], PrevKv = true };
        (KvError error, OperationResult? result) = Evaluate(fork, new TxnOperation { Success = [Put("a", 0), deleteAll, Put("b", 0)] });
        error.ShouldBe(KvError.None);
        fork.Events.Select(change => change.Previous).ShouldBe([before, before, null]);
        fork.Events.Select(change => (change.Revision, change.Sub)).ShouldBe([(3, 0), (3, 1), (3, 2)]);
        // The answer inside the transaction is another matter: it sees the put before it.
        ((DeleteRangeResult)((TxnResult)result!).Results[1]).Previous.Single().ModRevision.ShouldBe(3);
    }

    [Fact]
    public void Revoke_a_lease_in_one_revision_with_its_keys_in_order()
    {
        Fork fork = Space(("b", 5), ("a", 5), ("c", 6), ("d", 0)).Fork();
        (_, OperationResult? result) = Evaluate(fork, new RevokeLeaseOperation { Lease = 5 });
        ((DeleteRangeResult)result!).Deleted.ShouldBe(2);
        fork.Events.Select(change => Text.Of(change.Key)).ShouldBe(["a", "b"]);
        fork.Events.ShouldAllBe(change => change.IsDelete && change.Revision == 6);
        Evaluate(fork, new RevokeLeaseOperation { Lease = 5 }).Result!.Revision.ShouldBe(6);
    }

    [Fact]
    public void Refuse_rows_that_are_not_behind_what_they_have()
    {
        Fork fork = Space(("a", 0)).Fork();
        Should.Throw<ArgumentException>(() => fork.Apply(2, 0, "b"u8, "v"u8, false, 2, 1, 0));
        fork.Apply(3, 0, "b"u8, "v"u8, false, 3, 1, 0);
        fork.Apply(3, 1, "c"u8, default, true, 0, 0, 0);
        Should.Throw<ArgumentException>(() => fork.Apply(3, 1, "d"u8, "v"u8, false, 3, 1, 0));
        fork.Events[1].IsDelete.ShouldBeTrue();
        fork.Revision.ShouldBe(3);
    }

    [Fact]
    public void Are_not_for_read_only_evaluation_of_what_may_write() =>
        Should.Throw<ArgumentException>(() => KeySpace.Empty.EvaluateReadOnly(new TxnOperation { Failure = [Put("a", 0)] }, Nothing));

    private static PutOperation Put(string key, long lease) => new() { Key = Text.Bytes(key), Value = Text.Bytes("v"), Lease = lease };

    private static KeySpace Space(params (string Key, long Lease)[] puts)
    {
        Fork fork = KeySpace.Empty.Fork();
        foreach ((string key, long lease) in puts)
        {
            Evaluate(fork, Put(key, lease)).Error.ShouldBe(KvError.None);
        }

        return fork.Freeze();
    }

    private static (KvError Error, OperationResult? Result) Evaluate(Fork fork, Operation operation) =>
        (fork.Evaluate(operation, ImmutableHashSet<long>.Empty, Nothing, out OperationResult? result), result);

    private static void Same(KeySpace actual, KeySpace expected)
    {
        actual.Revision.ShouldBe(expected.Revision);
        RangeResult All(KeySpace space) => space.Range(new RangeOperation { Key = new byte[1], RangeEnd = new byte[1] }, 1);
        All(actual).Records.ShouldBe(All(expected).Records);
        for (long lease = 0; lease < 9; lease++)
        {
            actual.KeysOfLease(lease).Select(Text.Of).ShouldBe(expected.KeysOfLease(lease).Select(Text.Of));
        }
    }

    private sealed class NoHistory : IHistory
    {
        public RangeResult? Range(RangeOperation operation, long headerRevision) => null;
    }

    private sealed class Versions(KeySpace only) : IHistory
    {
        public RangeResult? Range(RangeOperation operation, long headerRevision) =>
            operation.Revision == only.Revision ? only.Range(operation, headerRevision) : null;
    }
}
