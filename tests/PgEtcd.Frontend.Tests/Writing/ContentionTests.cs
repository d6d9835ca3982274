using System.Globalization;
using Npgsql;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Protocol;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Writing;

/// <summary>Several frontends that write at once.</summary>
public sealed class ContentionTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Locks = """
        select pid from pg_locks where relation = 'pgetcd.append_lock'::regclass and granted
            and database = (select oid from pg_database where datname = current_database())
        """;

    [Fact]
    public async Task Invariant3_append_is_conditional_so_four_frontends_count_and_lose_nothing()
    {
        const int rounds = 25;
        await using StoreParts first = await CreateAsync(postgres);
        await using StoreParts second = await first.AnotherAsync();
        await using StoreParts third = await first.AnotherAsync();
        await using StoreParts fourth = await first.AnotherAsync();
        StoreParts[] frontends = [first, second, third, fourth];

        await Task.WhenAll(frontends.SelectMany(frontend => Enumerable.Range(0, 6), (frontend, client) => Task.Run(async () =>
        {
            for (int i = 0; i < rounds; i++)
            {
                await IncrementAsync(frontend, $"counter{client % 3}");
            }
        }))).WaitAsync(TimeSpan.FromSeconds(90));

        List<(string Key, string Value)> stored = await first.QueryAsync<(string, string)>(
            "select convert_from(key, 'utf8'), convert_from(value, 'utf8') from pgetcd.current_state order by key");
        stored.ShouldBe([("counter0", "200"), ("counter1", "200"), ("counter2", "200")]);
        (await first.QueryAsync<long>("select revision from pgetcd.revisions order by revision"))
            .ShouldBe(Enumerable.Range(2, 4 * 6 * rounds).Select(revision => (long)revision));
        (await first.QueryAsync<string>("select distinct frontend from pgetcd.revisions")).Count.ShouldBe(4);
        foreach (StoreParts frontend in frontends)
        {
            await frontend.Tail.CatchUpAsync().WaitAsync(Patience);
            Show(frontend.Replica.Current).ShouldBe(await first.StoredAsync());
        }
    }

    [Fact]
    public async Task A_write_that_changes_nothing_sees_what_another_frontend_wrote_in_between()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        Hook hook = new(call =>
        {
            if (call == 1)
            {
                there.WriteAsync(Put("b", "theirs")).Wait(Patience).ShouldBeTrue();
            }
        });

        WriteAnswer answer = await here.WriteAsync(Hook.Txn(Delete("b")), hook);

        hook.Calls.ShouldBe(2);
        answer.Result.ShouldBeOfType<TxnResult>().Results[1].ShouldBeOfType<DeleteRangeResult>().Deleted.ShouldBe(1);
        answer.Result!.Revision.ShouldBe(5);
        (await here.StoredAsync()).ShouldBe(["a=2 2/3.0 v2"]);
    }

    [Fact]
    public async Task A_frontend_that_keeps_losing_evaluates_under_the_lock_and_wins()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        List<bool> locked = [];
        Hook hook = new(call =>
        {
            locked.Add(IsLocked(there));
            if (!locked[^1])
            {
                there.WriteAsync(Put("a", $"theirs {call}")).Wait(Patience).ShouldBeTrue();
            }
        });

        WriteAnswer[] answers = await Task.WhenAll(
            here.WriteAsync(Hook.Txn(new PutOperation { Key = Bytes("a"), Value = Bytes("ours"), PrevKv = true }), hook),
            here.WriteAsync(Put("b", "behind")));

        locked.Count(wasLocked => wasLocked).ShouldBe(1);
        locked[^1].ShouldBeTrue();
        locked.Count.ShouldBeLessThan(10);
        Text(answers[0].Result.ShouldBeOfType<TxnResult>().Results[1].ShouldBeOfType<PutResult>().Previous!.Value)
            .ShouldBe($"theirs {locked.Count - 1}");
        IsLocked(there).ShouldBeFalse();
        Show(here.Replica.Current).Select(line => line.Split(' ')[0]).ShouldBe(["a=ours", "b=behind"]);
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
    }

    /// <summary>Fault A4: an exception while a write was evaluated left half of it to the batch, or stopped the writing for good.</summary>
    [Fact]
    public async Task A_write_whose_evaluation_throws_fails_alone_and_changes_nothing()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        Hook hook = new(_ => throw new InvalidOperationException("not today"));
        TxnOperation broken = new()
        {
            Success = [Put("half", "1"), new RangeOperation { Key = Bytes("a"), Revision = 2 }],
        };

        for (int i = 0; i < 5; i++)
        {
            Task<WriteAnswer> failing = here.WriteAsync(broken, hook);
            Task<WriteAnswer>[] others = [here.WriteAsync(Put("b", $"{i}")), here.WriteAsync(Put("c", $"{i}"))];
            (await Should.ThrowAsync<InvalidOperationException>(failing)).Message.ShouldBe("not today");
            await Task.WhenAll(others);
        }

        Show(here.Replica.Current).Select(line => line.Split(' ')[0]).ShouldBe(["a=2", "b=4", "c=4"]);
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
    }

    /// <summary>Fault A2: should such an append land after all, its rows must not pass for those of a later one.</summary>
    [Fact]
    public async Task Invariant6_no_guessing_after_an_error_under_the_lock_either()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        await here.QueryAsync<string>("""
            create function refuse() returns trigger language plpgsql as $$ begin raise 'not this one'; end $$;
            create trigger refuse before insert on pgetcd.revisions for each row when (new.value = 'ours') execute function refuse();
            """);
        Hook hook = new(_ =>
        {
            if (!IsLocked(there))
            {
                there.WriteAsync(Put("a", "theirs")).Wait(Patience).ShouldBeTrue();
            }
        });

        await Should.ThrowAsync<PostgresException>(() => here.WriteAsync(Hook.Txn(Put("a", "ours")), hook));
        await here.WriteAsync(Put("a", "3"));

        (await here.QueryAsync<string>("select frontend from pgetcd.revisions order by revision desc limit 1"))
            .ShouldBe([$"{here.Log.Frontend}.1"]);
    }

    [Fact]
    public async Task Invariant6_no_guessing_when_cut_off_under_the_lock()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        int cuts = 0;
        Hook hook = new(_ =>
        {
            if (!IsLocked(there))
            {
                there.WriteAsync(Put("a", "theirs")).Wait(Patience).ShouldBeTrue();
            }
            else if (cuts++ == 0)
            {
                there.QueryAsync<bool>($"select pg_terminate_backend(pid) from ({Locks}) holder").Wait(Patience).ShouldBeTrue();
            }
        });

        WriteAnswer answer = await here.WriteAsync(Hook.Txn(Put("b", "once")), hook);

        cuts.ShouldBe(1);
        Show(here.Replica.Current).ShouldContain($"b=once {answer.Result!.Revision}/{answer.Result.Revision}.0 v1");
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
    }

    [Fact]
    public async Task A_compaction_between_evaluation_and_append_is_a_conflict_too()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        Hook hook = new(call =>
        {
            call.ShouldBe(1);
            there.Log.CompactAsync(3, Guid.NewGuid(), CancellationToken.None).Wait(Patience).ShouldBeTrue();
        });

        (await here.WriteAsync(Hook.Txn(Put("b", "1")), hook)).Error.ShouldBe(EtcdErrors.Compacted);
        here.Replica.State.Position.ShouldBe(new LogPosition(3, 3, 1));
    }

    [Fact]
    public async Task Under_the_lock_a_missing_lease_is_found_too()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        Hook hook = new(_ =>
        {
            if (!IsLocked(there))
            {
                there.WriteAsync(Put("a", "theirs")).Wait(Patience).ShouldBeTrue();
            }
        });

        (await here.WriteAsync(Hook.Txn(Put("b", "1", lease: 404)), hook)).Error.ShouldBe(EtcdErrors.LeaseNotFound);
        Show(here.Replica.Current).Length.ShouldBe(1);
    }

    [Fact]
    public async Task A_write_that_changes_nothing_comes_to_an_end_while_others_write()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await here.WriteAsync(Put("a", "2"));
        Hook hook = new(call =>
        {
            if (call < 30 && !IsLocked(there))
            {
                there.WriteAsync(Put("a", $"theirs {call}")).Wait(Patience).ShouldBeTrue();
            }
        });

        await here.WriteAsync(Hook.Txn(Delete("none")), hook);

        hook.Calls.ShouldBeLessThan(10);
    }

    [Fact]
    public async Task Invariant6_no_guessing_when_the_database_is_away_too_long()
    {
        string connectionString = await postgres.CreateStoreAsync() + ";Command Timeout=1";
        await using StoreParts parts = await OpenAsync(connectionString, timeLimit: TimeSpan.FromSeconds(2));
        await parts.WriteAsync(Put("a", "1"));
        await using (await parts.HoldAsync())
        {
            Task<WriteAnswer>[] writes = [.. Enumerable.Range(0, 5).Select(i => parts.WriteAsync(Put($"{i}", "lost?")))];
            foreach (Task<WriteAnswer> write in writes)
            {
                await Should.ThrowAsync<StoreUnavailableException>(write);
            }
        }

        WriteAnswer answer = await parts.WriteAsync(Put("a", "2"));

        (await parts.StoredAsync()).ShouldBe(Show(parts.Replica.Current));
        (await parts.QueryAsync<long>("select distinct revision from pgetcd.revisions order by 1"))
            .ShouldBe(Enumerable.Range(2, (int)answer.Result!.Revision - 1).Select(revision => (long)revision));
    }

    [Fact]
    public async Task A_writer_that_works_long_after_its_answer_blocks_no_other()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        using ManualResetEventSlim isWorking = new();
        using ManualResetEventSlim mayEnd = new();
        Task worker = Task.Run(async () =>
        {
            await parts.WriteAsync(Put("a", "1")).ConfigureAwait(false);
            isWorking.Set();
            mayEnd.Wait(Patience).ShouldBeTrue();
        });
        isWorking.Wait(Patience).ShouldBeTrue();

        Task other = parts.WriteAsync(Put("b", "1"));
        bool isInTime = await Task.WhenAny(other, Task.Delay(TimeSpan.FromSeconds(30))) == other;
        mayEnd.Set();

        await Task.WhenAll(worker, other).WaitAsync(Patience);
        isInTime.ShouldBeTrue();
    }

    private static async Task IncrementAsync(StoreParts frontend, string key)
    {
        while (true)
        {
            RangeResult read =
                (await frontend.Reader.RangeAsync(new RangeOperation { Key = Bytes(key) }).AsTask().WaitAsync(Patience)).Result!;
            KeyRecord? record = read.Records.FirstOrDefault();
            int value = record is null ? 0 : int.Parse(Text(record.Value), CultureInfo.InvariantCulture);
            WriteAnswer answer = await frontend.WriteAsync(new TxnOperation
            {
                Compares = [new Compare { Key = Bytes(key), Target = CompareTarget.Mod, Number = record?.ModRevision ?? 0 }],
                Success = [Put(key, $"{value + 1}")],
            });
            if (((TxnResult)answer.Result!).Succeeded)
            {
                return;
            }
        }
    }

    private static bool IsLocked(StoreParts parts) => parts.QueryAsync<int>(Locks).GetAwaiter().GetResult().Count > 0;

    /// <summary>Called in the middle of each evaluation of its transaction.</summary>
    private sealed class Hook(Action<int> called) : IHistory
    {
        public int Calls { get; private set; }

        /// <summary>A transaction that reads revision 2 first, which is before the present one.</summary>
        public static TxnOperation Txn(params Operation[] operations) =>
            new() { Success = [new RangeOperation { Key = Bytes("a"), Revision = 2 }, .. operations] };

        public RangeResult? Range(RangeOperation operation, long headerRevision)
        {
            called(++Calls);
            return new RangeResult(headerRevision, [], 0, More: false, KeysOnly: false);
        }
    }
}
