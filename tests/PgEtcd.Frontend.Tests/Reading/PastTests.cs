using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Reading;

public sealed class PastTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Keys = ["a", "aa", "ab", "b", "b\0", "c", "\0", "\u00ff", "\u00ff\u00ff"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Two_frontends_give_the_models_answers_and_every_past_range_is_what_it_was(int seed)
    {
        Random random = new(seed);
        await using StoreParts first = await CreateAsync(postgres);
        await using StoreParts second = await first.AnotherAsync();
        Dictionary<long, KeySpace> states = await WriteHistoryAsync(random, [first, second]);
        long newest = states.Keys.Max();
        await using StoreParts fresh = await first.AnotherAsync(); // has no recent states

        (await first.StoredAsync()).ShouldBe(Show(states[newest]));
        for (int i = 0; i < 400; i++)
        {
            long revision = random.NextInt64(1, newest);
            RangeOperation range = RandomRange(random, revision, newest);
            string expected = Encoded(states[revision].Range(range, newest));
            ReadAnswer<RangeResult> read = await fresh.Reader.RangeAsync(range).AsTask().WaitAsync(Patience);
            read.Error.ShouldBeNull();
            Encoded(read.Result!).ShouldBe(expected, $"seed {seed}, range {i} at {revision}");
            (EtcdError? error, KeySpace? pinned, long header) = await fresh.Reader.PinAsync(range).WaitAsync(Patience);
            (error, header).ShouldBe((null, newest));
            Encoded(pinned!.Range(range, newest)).ShouldBe(expected);
        }
    }

    /// <summary>Fault C24: clients carry a revision from one frontend to the next.</summary>
    [Fact]
    public async Task A_serializable_read_at_a_revision_that_another_frontend_has_acknowledged_finds_it()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await there.WriteAsync(Put("a", "1"));
        (await here.Reader.RangeAsync(At(2)).AsTask().WaitAsync(Patience)).Result!.Records.Select(Show).ShouldBe(["a=1 2/2.0 v1"]);

        await there.WriteAsync(Put("a", "2"));
        ReadAnswer<TxnResult> txn = await here.Reader
            .ReadOnlyTxnAsync(new TxnOperation { Success = [At(3)], Failure = [] }).WaitAsync(Patience);
        txn.Result!.Results.Cast<RangeResult>().SelectMany(result => result.Records).Select(Show).ShouldBe(["a=2 2/3.0 v2"]);

        (await here.Reader.RangeAsync(At(4)).AsTask().WaitAsync(Patience)).Error.ShouldBe(EtcdErrors.FutureRev);

        static RangeOperation At(long revision) => new() { Key = Bytes("a"), Serializable = true, Revision = revision };
    }

    [Fact]
    public async Task A_transaction_reads_the_past_from_sql()
    {
        await using StoreParts first = await CreateAsync(postgres);
        await first.WriteAsync(Put("a", "1"));
        await first.WriteAsync(Put("a", "2"));
        await first.WriteAsync(Put("b", "3"));
        await using StoreParts fresh = await first.AnotherAsync();
        TxnOperation reads = new()
        {
            Success = [
                new RangeOperation { Key = Bytes("a"), Revision = 2 },
                new RangeOperation { Key = Bytes("\0"), RangeEnd = Bytes("\0"), Revision = 3 }],
            Failure = [new RangeOperation { Key = Bytes("a"), Revision = 999 }],
        };

        TxnResult read = (await fresh.Reader.ReadOnlyTxnAsync(reads).WaitAsync(Patience)).Result.ShouldBeOfType<TxnResult>();
        read.Results.Cast<RangeResult>().SelectMany(range => range.Records).Select(Show).ShouldBe(["a=1 2/2.0 v1", "a=2 2/3.0 v2"]);
        read.Results.ShouldAllBe(result => result.Revision == 4);

        TxnOperation writes = new() { Success = [Put("c", "4"), new TxnOperation { Success = [reads] }] };
        TxnResult written = (await fresh.Writer.WriteAsync(writes, 1, new Origin(Caller.Server, null)).WaitAsync(Patience)).Result
            .ShouldBeOfType<TxnResult>();
        TxnResult inner = ((TxnResult)written.Results[1]).Results[0].ShouldBeOfType<TxnResult>();
        inner.Results.Cast<RangeResult>().Select(range => Show(range.Records[0])).ShouldBe(["a=1 2/2.0 v1", "a=2 2/3.0 v2"]);
        inner.Results.ShouldAllBe(result => result.Revision == 5);
    }

    [Fact]
    public async Task A_compaction_by_another_frontend_is_reported()
    {
        await using StoreParts first = await CreateAsync(postgres);
        for (int i = 0; i < 5; i++)
        {
            await first.WriteAsync(Put("a", $"{i}"));
        }

        await using StoreParts fresh = await first.AnotherAsync();
        (await first.CompactionMark.CompactAsync(4, Origin.Server).WaitAsync(Patience)).ShouldBeNull();
        RangeOperation range = new() { Key = Bytes("a"), Revision = 3, Serializable = true };

        (await fresh.Past.RangeAsync(range, 6).WaitAsync(Patience)).ShouldBeNull();
        fresh.Replica.Current.CompactRevision.ShouldBe(4);
        (await fresh.Reader.RangeAsync(range).AsTask().WaitAsync(Patience)).Error.ShouldBe(EtcdErrors.Compacted);
        (await fresh.Reader.RangeAsync(new RangeOperation { Key = Bytes("a"), Revision = 4 }).AsTask().WaitAsync(Patience)).Error
            .ShouldBeNull();
        (await fresh.Reader.RangeAsync(new RangeOperation { Key = Bytes("a"), Revision = 7 }).AsTask().WaitAsync(Patience)).Error
            .ShouldBe(EtcdErrors.FutureRev);
        (await fresh.CompactionMark.CompactAsync(4, Origin.Server).WaitAsync(Patience)).ShouldBe(EtcdErrors.Compacted);
        (await fresh.CompactionMark.CompactAsync(7, Origin.Server).WaitAsync(Patience)).ShouldBe(EtcdErrors.FutureRev);
    }

    /// <summary>The same requests to the frontends in turn and to a key space alone; the answers must be the same.</summary>
    private static async Task<Dictionary<long, KeySpace>> WriteHistoryAsync(Random random, StoreParts[] frontends)
    {
        HashSet<long> missing = [4];
        for (long lease = 1; lease < 4; lease++)
        {
            await frontends[0].Leases.GrantAsync(lease, 600);
        }

        KeySpace model = KeySpace.Empty;
        Dictionary<long, KeySpace> states = new() { [model.Revision] = model };
        for (int i = 0; i < 200; i++)
        {
            Operation operation = RandomWrite(random, depth: 0);
            WriteAnswer answer = await frontends[random.Next(frontends.Length)].WriteAsync(operation);
            if (operation is RevokeLeaseOperation revoke && !missing.Add(revoke.Lease))
            {
                answer.Error.ShouldBe(EtcdErrors.LeaseNotFound);
                continue;
            }

            Fork fork = model.Fork();
            answer.Error.ShouldBe(fork.Evaluate(operation, missing, new Replica(model, 1), out OperationResult? expected).ToEtcd());
            if (expected is not null)
            {
                Encoded(answer.Result!).ShouldBe(Encoded(expected));
            }

            model = fork.Freeze();
            states[model.Revision] = model;
        }

        return states;
    }

    private static Operation RandomWrite(Random random, int depth) => random.Next(depth == 0 ? 12 : 8) switch
    {
        < 3 => Put(Key(random), $"{random.Next(100)}", random.Next(3) == 0 ? random.Next(5) : 0),
        3 => new PutOperation { Key = Bytes(Key(random)), Value = Bytes("kept"), IgnoreLease = true, PrevKv = true },
        4 => new DeleteRangeOperation { Key = Bytes(Key(random)), RangeEnd = Bytes(End(random)), PrevKv = true },
        5 => Delete(Key(random)),
        6 when depth > 0 => new RangeOperation { Key = Bytes("\0"), RangeEnd = Bytes("\0") },
        7 when depth == 0 => new RevokeLeaseOperation { Lease = random.Next(1, 5) },
        < 8 => Put(Key(random), ""),
        _ => Checked(random, depth),
    };

    /// <summary>A transaction that etcd would take: it puts no key twice.</summary>
    private static TxnOperation Checked(Random random, int depth)
    {
        while (true)
        {
            TxnOperation txn = new()
            {
                Compares = [new Compare { Key = Bytes(Key(random)), Target = CompareTarget.Version, Result = CompareResult.Greater }],
                Success = [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomWrite(random, depth + 1))],
                Failure = [.. Enumerable.Range(0, random.Next(4)).Select(_ => RandomWrite(random, depth + 1))],
            };
            if (RequestCheck.Check(txn, 128) == KvError.None)
            {
                return txn;
            }
        }
    }

    private static RangeOperation RandomRange(Random random, long revision, long newest) => new()
    {
        Key = Bytes(Key(random)),
        RangeEnd = Bytes(random.Next(2) == 0 ? "\0" : End(random)),
        Revision = revision,
        Limit = random.Next(5) switch { 0 => 1, 1 => random.Next(2, 9), 2 => long.MaxValue - random.Next(2), 3 => -1, _ => 0 },
        SortOrder = (SortOrder)random.Next(3),
        SortTarget = random.Next(2) == 0 ? SortTarget.Key : (SortTarget)random.Next(5),
        Serializable = random.Next(2) == 0,
        KeysOnly = random.Next(4) == 0,
        CountOnly = random.Next(6) == 0,
        MinModRevision = random.Next(8) == 0 ? random.NextInt64(newest) : 0,
        MaxModRevision = random.Next(8) == 0 ? random.NextInt64(newest) : 0,
        MinCreateRevision = random.Next(8) == 0 ? random.NextInt64(newest) : 0,
        MaxCreateRevision = random.Next(8) == 0 ? random.NextInt64(newest) : 0,
    };

    private static string Key(Random random) => Keys[random.Next(Keys.Length)];

    private static string End(Random random) => random.Next(4) == 0 ? "" : Key(random);

    private static string Encoded(OperationResult result) =>
        result switch
        {
            RangeResult range => $"{range.Revision}: {Encoded(range.Records, range.KeysOnly)} of {range.Count}, more {range.More}",
            PutResult put => $"{put.Revision}: put, before {Encoded(put.Previous is { } previous ? [previous] : [], keysOnly: false)}",
            DeleteRangeResult delete => $"{delete.Revision}: {delete.Deleted} deleted, before {Encoded(delete.Previous, keysOnly: false)}",
            TxnResult txn => $"{txn.Revision}: {txn.Succeeded} [{string.Join("; ", txn.Results.Select(Encoded))}]",
            _ => throw new ArgumentOutOfRangeException(nameof(result)),
        };

    private static string Encoded(IEnumerable<KeyRecord> records, bool keysOnly) =>
        string.Join(' ', records.Select(record => Convert.ToHexString(keysOnly ? record.Key : record.Encoded.ToArray())));
}
