using System.Text;
using PgEtcd.Mvcc;

namespace PgEtcd.Testing.Mvcc;

/// <summary>Requests of every kind, on few keys, so that they collide.</summary>
/// <param name="random">The source of all choices.</param>
/// <param name="pool">The keys.</param>
public sealed class RandomRequests(Random random, byte[][] pool)
{
    /// <summary>Keys that are often prefixes of others; also zeros and 0xff.</summary>
    public static IReadOnlyList<byte[]> Pool { get; } = [.. "a aa ab b b\0 c \0 ÿ ÿÿ".Split(' ').Select(Encoding.Latin1.GetBytes)];

    /// <summary>A request of any kind.</summary>
    /// <param name="revision">The current revision; operands and historical reads are near it.</param>
    public Operation Any(long revision) => random.Next(10) switch
    {
        < 3 => Put(),
        3 => Delete(),
        4 => Range(revision),
        5 when random.Next(3) == 0 => new RevokeLeaseOperation { Lease = random.Next(1, 5) },
        _ => Txn(revision, depth: 0),
    };

    /// <summary>A transaction.</summary>
    /// <param name="revision">The current revision.</param>
    /// <param name="depth">The number of enclosing transactions.</param>
    public TxnOperation Txn(long revision, int depth) => new()
    {
        Compares = [.. Several(2).Select(_ => Compare(revision))],
        Success = [.. Several(4).Select(_ => Nested(revision, depth))],
        Failure = [.. Several(4).Select(_ => Nested(revision, depth))],
    };

    private IEnumerable<int> Several(int most) => Enumerable.Range(0, random.Next(most + 1));

    private Operation Nested(long revision, int depth) => random.Next(depth < 3 ? 9 : 6) switch
    {
        < 2 => Put(),
        2 => Delete(),
        < 6 => Range(revision),
        _ => Txn(revision, depth + 1),
    };

    private PutOperation Put()
    {
        bool ignoreValue = random.Next(8) == 0;
        bool ignoreLease = random.Next(8) == 0;
        return new PutOperation
        {
            Key = Key(),
            Value = ignoreValue ? default : Value(),
            Lease = ignoreLease ? 0 : random.Next(12) switch { < 8 => 0, 8 => 1, 9 => 2, 10 => 3, _ => random.Next(3) == 0 ? 9 : 1 },
            PrevKv = Coin(),
            IgnoreValue = ignoreValue,
            IgnoreLease = ignoreLease,
        };
    }

    private DeleteRangeOperation Delete() => new() { Key = Key(), RangeEnd = End(), PrevKv = Coin() };

    private RangeOperation Range(long revision) => new()
    {
        Key = Key(),
        RangeEnd = random.Next(3) == 0 ? End() : new byte[1],
        Limit = random.Next(6) switch { 0 => 1, 1 => random.Next(2, 8), 2 => long.MaxValue - random.Next(2), 3 => -1, _ => 0 },
        Revision = random.Next(4) == 0 ? random.NextInt64(-2, revision + 2) : 0,
        SortOrder = (SortOrder)random.Next(3),
        SortTarget = (SortTarget)random.Next(5),
        KeysOnly = random.Next(4) == 0,
        CountOnly = random.Next(8) == 0,
        MinModRevision = Bound(revision),
        MaxModRevision = Bound(revision),
        MinCreateRevision = Bound(revision),
        MaxCreateRevision = Bound(revision),
    };

    private Compare Compare(long revision) => new()
    {
        Key = Key(),
        RangeEnd = random.Next(3) == 0 ? End() : default,
        Target = (CompareTarget)random.Next(6),
        Result = (CompareResult)random.Next(5),
        Number = random.Next(3) switch { 0 => 0, 1 => random.Next(4), _ => random.NextInt64(1, revision + 2) },
        Value = Value(),
    };

    private long Bound(long revision) => random.Next(8) == 0 ? random.NextInt64(-1, revision + 2) : 0;

    private byte[] Key() => pool[random.Next(pool.Length)];

    /// <summary>Every convention of range_end, also inverted.</summary>
    private byte[] End() => random.Next(4) switch
    {
        0 => [],
        1 => [0],
        _ => Key(),
    };

    private byte[] Value() => random.Next(5) == 0 ? [] : [(byte)random.Next('p', 't')];

    private bool Coin() => random.Next(2) == 0;
}
