using System.Globalization;
using FsCheck.Fluent;
using PgEtcd.Mvcc.Tests.Model;
using PgEtcd.Testing.Mvcc;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests;

public class Request_checks
{
    private int _duplicates;

    [Fact]
    public void Find_duplicate_keys_just_as_a_comparison_of_all_pairs_does()
    {
        Properties.Hold(Gen.Choose(0, int.MaxValue - 1), seed =>
        {
            Random random = new(seed);
            for (int i = 0; i < 200; i++)
            {
                TxnOperation txn = RandomTxn(random, depth: 0);
                bool duplicate = PairwiseDuplicates.Exist(txn);
                _duplicates += duplicate ? 1 : 0;
                RequestCheck.Check(txn, 128).ShouldBe(duplicate ? KvError.DuplicateKey : KvError.None);
            }
        }, count: 100);
        _duplicates.ShouldBeInRange(2000, 18_000, "both outcomes must be common for the comparison to mean something");
    }

    [Fact]
    public void Answer_the_first_error_in_the_order_of_etcd()
    {
        PutOperation good = Put("a");
        Check(new TxnOperation { Success = [good, null] }).ShouldBe(KvError.KeyNotFound);
        Check(new TxnOperation { Success = [good, good, Put("")] }).ShouldBe(KvError.EmptyKey);
        Check(new TxnOperation { Compares = [new Compare()], Success = [null] }).ShouldBe(KvError.EmptyKey);
        Check(new TxnOperation { Compares = [new Compare()], Success = new Operation?[129] }).ShouldBe(KvError.TooManyOps);
        Check(new TxnOperation { Failure = [good, good] }).ShouldBe(KvError.DuplicateKey);
        Check(Put("")).ShouldBe(KvError.EmptyKey);
        Check(new DeleteRangeOperation()).ShouldBe(KvError.EmptyKey);
        Check(new RangeOperation { SortOrder = (SortOrder)7 }).ShouldBe(KvError.EmptyKey);
        Check(new RangeOperation { Key = new byte[1], SortOrder = (SortOrder)(-1) }).ShouldBe(KvError.InvalidSortOption);
        Check(new RangeOperation { Key = new byte[1], SortTarget = (SortTarget)5 }).ShouldBe(KvError.InvalidSortOption);
        PutOperation both = new() { Key = new byte[1], Value = new byte[1], Lease = 1, IgnoreLease = true, IgnoreValue = true };
        Check(both).ShouldBe(KvError.ValueProvided);
        Check(new PutOperation { Key = new byte[1], Lease = 1, IgnoreLease = true }).ShouldBe(KvError.LeaseProvided);
    }

    [Fact]
    public void Share_one_budget_of_operations_between_the_levels_of_a_transaction()
    {
        Check(new TxnOperation { Success = Puts(128) }).ShouldBe(KvError.None);
        Check(new TxnOperation { Success = Puts(129) }).ShouldBe(KvError.TooManyOps);
        Check(Wrap(new TxnOperation { Success = Puts(127) })).ShouldBe(KvError.None);
        Check(Wrap(new TxnOperation { Success = Puts(128) })).ShouldBe(KvError.TooManyOps);
        TxnOperation deep = new();
        for (int i = 0; i < 128; i++)
        {
            deep = Wrap(deep);
        }

        Check(deep).ShouldBe(KvError.None);
        Check(Wrap(deep)).ShouldBe(KvError.TooManyOps);
    }

    [Fact]
    public void Stay_quick_on_a_transaction_made_to_be_slow()
    {
        // 40 nested transactions of 40 nested transactions of 40 deletes; puts of later siblings are held against all of them.
        int next = 0;
        TxnOperation Level(int depth, bool puts) => new()
        {
            Success = [.. Enumerable.Range(0, 40).Select(i => depth > 0 ? Level(depth - 1, i % 2 == 1)
                : puts ? Put($"p{next++:D6}") : (Operation)new DeleteRangeOperation { Key = Text.Bytes($"d{next++:D6}") })],
        };
        TxnOperation txn = Level(2, puts: false);
        TimeSpan before = ThreadTime();
        Check(txn).ShouldBe(KvError.None);
        (ThreadTime() - before).TotalSeconds.ShouldBeLessThan(3);
    }

    /// <summary>The CPU that this thread has used in user mode: other work on the machine does not count.</summary>
    private static TimeSpan ThreadTime()
    {
        string stat = File.ReadAllText("/proc/thread-self/stat");
        string ticks = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11]; // of 10 ms
        return TimeSpan.FromMilliseconds(10 * int.Parse(ticks, CultureInfo.InvariantCulture));
    }

    private static KvError Check(Operation operation) => RequestCheck.Check(operation, 128);

    private static TxnOperation Wrap(TxnOperation txn) => new() { Success = [txn] };

    private static PutOperation Put(string key) => new() { Key = Text.Bytes(key) };

    private static Operation[] Puts(int count) => [.. Enumerable.Range(0, count).Select(i => Put($"{i}"))];

    private static TxnOperation RandomTxn(Random random, int depth)
    {
        Operation[] Branch() => [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomOperation(random, depth))];
        return new TxnOperation { Success = Branch(), Failure = Branch() };
    }

    private static Operation RandomOperation(Random random, int depth)
    {
        byte[][] keys = [.. RandomRequests.Pool];
        byte[] key = keys[random.Next(keys.Length)];
        return random.Next(depth < 3 ? 6 : 4) switch
        {
            0 => new RangeOperation { Key = key },
            1 or 2 => new PutOperation { Key = key },
            3 => new DeleteRangeOperation { Key = key, RangeEnd = TestKeys.RandomEnd(random, keys) },
            _ => RandomTxn(random, depth + 1),
        };
    }
}
