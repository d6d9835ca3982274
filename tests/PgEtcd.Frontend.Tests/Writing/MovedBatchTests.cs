using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Mvcc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Writing;

/// <summary>Batches that others have come before (docs/decisions/0020): they are appended behind them if their evaluation holds
/// there.</summary>
public sealed class MovedBatchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_batch_goes_behind_rows_that_it_has_not_read_and_its_answers_say_so()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await there.WriteAsync(Put("b", "1"));
        using Counted moved = new("pgetcd_append_moved_total");
        using Counted conflicts = new("pgetcd_append_conflicts_total");

        WriteAnswer put = await here.WriteAsync(new PutOperation { Key = Bytes("a"), Value = Bytes("2"), PrevKv = true });
        await there.WriteAsync(Put("b", "2"));
        WriteAnswer created = await here.WriteAsync(If("a", CompareTarget.Mod, 4, Put("c", "1")));

        put.Result!.Revision.ShouldBe(4);
        created.Result.ShouldBeOfType<TxnResult>().Succeeded.ShouldBeTrue();
        created.Result!.Revision.ShouldBe(6);
        Show(here.Replica.Current).ShouldBe(["a=2 2/4.0 v2", "b=2 3/5.0 v2", "c=1 6/6.0 v1"]);
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
        moved.Total.ShouldBeGreaterThanOrEqualTo(2);
        conflicts.Total.ShouldBe(0);
    }

    /// <summary>A compare with a revision that the batch itself has made would come out otherwise behind the rows of others.</summary>
    [Fact]
    public async Task A_batch_that_compares_a_revision_of_its_own_does_not_move()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        Task<WriteAnswer>[] writes;
        // What comes second is evaluated behind the first, which waits.
        await using (await here.HoldAsync())
        {
            Task<WriteAnswer> waiting = here.WriteAsync(Put("x", "1")); // 3
            writes = [waiting, here.WriteAsync(Put("b", "1")), here.WriteAsync(If("b", CompareTarget.Mod, 4, Put("c", "1")))];
        }

        await Task.WhenAll(writes);
        ((TxnResult)(await writes[2]).Result!).Succeeded.ShouldBeTrue();

        await using (await here.HoldAsync())
        {
            Task<WriteAnswer> theirs = there.WriteAsync(Put("y", "1"));
            Task<WriteAnswer> waiting = here.WriteAsync(Put("x", "2"));
            writes = [theirs, waiting, here.WriteAsync(Put("b", "2")), here.WriteAsync(If("b", CompareTarget.Mod, 7, Put("c", "2")))];
        }

        await Task.WhenAll(writes);
        long put = (await writes[2]).Result!.Revision;
        ((TxnResult)(await writes[3]).Result!).Succeeded.ShouldBe(put == 7);
        await here.Tail.CatchUpAsync();
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
    }

    /// <summary>The answer to each write is what its evaluation gives on the state before it, and the log holds what that
    /// evaluation changes, whichever frontend it came from and wherever its batch had been evaluated first.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task Invariant3_append_is_conditional_so_each_answer_is_that_of_the_state_before_it(int seed)
    {
        const int frontends = 3, clients = 5, requests = 40;
        await using StoreParts first = await CreateAsync(postgres);
        await using StoreParts second = await first.AnotherAsync();
        await using StoreParts third = await first.AnotherAsync();
        StoreParts[] parts = [first, second, third];
        for (int lease = 1; lease <= 3; lease++)
        {
            await first.Leases.GrantAsync(lease, 600);
        }

        using Counted moved = new("pgetcd_append_moved_total");
        ConcurrentBag<(Operation Operation, WriteAnswer Answer)> answers = [];
        await Task.WhenAll(Enumerable.Range(0, frontends * clients).Select(client => Task.Run(async () =>
        {
            StoreParts part = parts[client % frontends];
            Random random = new((seed * 100) + client);
            // Mostly keys of its own frontend, and two that all have.
            byte[][] pool =
            [
                .. "a b c d e f g h".Split(' ').Select(key => Bytes($"{client % frontends}{key}")), Bytes("shared"), Bytes("z"),
            ];
            RandomRequests generator = new(random, pool);
            for (int i = 0; i < requests; i++)
            {
                Operation operation = generator.Any(part.Replica.Current.Revision);
                if (operation is RangeOperation || RequestCheck.Check(operation, 128) != KvError.None)
                {
                    continue;
                }

                if (operation is RevokeLeaseOperation { Lease: <= 3 } revoke)
                {
                    answers.Add((operation, await part.WriteAsync(operation)));
                    await part.Leases.GrantAsync(revoke.Lease, 600);
                    continue;
                }

                WriteAnswer answer = await part.Writer.WriteAsync(operation, 100, new Origin(Caller.Server, "client")).WaitAsync(Patience);
                answers.Add((operation, answer));
            }
        })));

        LoggedPast past = await LoggedPast.ReadAsync(first);
        HashSet<long> made = [];
        foreach ((Operation operation, WriteAnswer answer) in answers.Where(pair => pair.Answer.Error == KvError.None))
        {
            long revision = answer.Result!.Revision;
            string told = Describe(answer.Result);
            if (past.Changes(operation, revision, told))
            {
                made.Add(revision).ShouldBeTrue($"revision {revision} has one write");
            }
            else
            {
                past.Answer(operation, revision).ShouldBe(told, $"at revision {revision}");
            }
        }

        made.Order().ShouldBe(Enumerable.Range(2, made.Count).Select(revision => (long)revision));
        made.Count.ShouldBe((int)past.Last - 1);
        moved.Total.ShouldBeGreaterThan(0);
        foreach (StoreParts part in parts)
        {
            await part.Tail.CatchUpAsync().WaitAsync(Patience);
            Show(part.Replica.Current).ShouldBe(await first.StoredAsync());
        }
    }

    private static TxnOperation If(string key, CompareTarget target, long number, Operation then) => new()
    {
        Compares = [new Compare { Key = Bytes(key), Target = target, Number = number }],
        Success = [then],
    };

    private static string Describe(OperationResult? result) => result switch
    {
        PutResult put => $"{put.Revision} put {Describe(put.Previous is null ? [] : [put.Previous])}",
        DeleteRangeResult delete => $"{delete.Revision} delete {delete.Deleted} {Describe(delete.Previous)}",
        RangeResult { KeysOnly: true } range => $"{range.Revision} keys {range.Count} {range.More} {Keys(range.Records)}",
        RangeResult range => $"{range.Revision} range {range.Count} {range.More} {Describe(range.Records)}",
        TxnResult txn => $"{txn.Revision} txn {txn.Succeeded} [{string.Join("; ", txn.Results.Select(Describe))}]",
        _ => "nothing",
    };

    private static string Keys(KeyRecord[] records) => string.Join(", ", records.Select(record => Text(record.Key)));

    private static string Describe(KeyRecord[] records) => string.Join(", ", records.Select(Show));

    /// <summary>The states that the log says there were.</summary>
    private sealed class LoggedPast : IHistory
    {
        private readonly List<KeySpace> _states = [KeySpace.Empty, KeySpace.Empty]; // of no revision, and of 1

        public long Last => _states.Count - 1;

        public static async Task<LoggedPast> ReadAsync(StoreParts parts)
        {
            List<LogRow> rows = [];
            await parts.Log.TailAsync(1, rows.Add, CancellationToken.None);
            LoggedPast past = new();
            foreach (IGrouping<long, LogRow> revision in rows.GroupBy(row => row.Revision))
            {
                revision.Key.ShouldBe(past.Last + 1);
                past._states.Add(Replica.After(past._states[^1], [.. revision]));
            }

            return past;
        }

        /// <summary>Whether the operation, on the state before a revision, makes that revision, with this answer.</summary>
        public bool Changes(Operation operation, long revision, string told)
        {
            Fork fork = _states[(int)revision - 1].Fork();
            return Evaluate(operation, fork) == told && fork.Events.Count > 0
                && Show(fork.Freeze()).SequenceEqual(Show(_states[(int)revision]));
        }

        /// <summary>The answer to an operation that changes nothing.</summary>
        public string Answer(Operation operation, long revision)
        {
            Fork fork = _states[(int)revision].Fork();
            string answer = Evaluate(operation, fork);
            return fork.Events.Count == 0 ? answer : $"{answer}, and it changes keys";
        }

        public RangeResult? Range(RangeOperation operation, long headerRevision) =>
            _states[(int)operation.Revision].Range(operation, headerRevision);

        private string Evaluate(Operation operation, Fork fork)
        {
            KvError error = fork.Evaluate(operation, ImmutableHashSet<long>.Empty, this, out OperationResult? result);
            return error == KvError.None ? Describe(result) : error.ToString();
        }
    }

    /// <summary>What is added to a counter meanwhile.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly MeterListener _listener = new();
        private long _total;

        public Counted(string name)
        {
            _listener.InstrumentPublished = (instrument, listener) =>
            {
                if (instrument.Name == name)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            };
            _listener.SetMeasurementEventCallback<long>((_, measurement, _, _) => Interlocked.Add(ref _total, measurement));
            _listener.Start();
        }

        public long Total => Interlocked.Read(ref _total);

        public void Dispose() => _listener.Dispose();
    }
}
