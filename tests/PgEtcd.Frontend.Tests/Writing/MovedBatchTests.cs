using System.Collections.Concurrent;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Calls;
using PgEtcd.Testing;
using PgEtcd.Testing.Mvcc;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Writing;

/// <summary>Batches that others have come before (docs/decisions/0020): they are appended behind them if their evaluation holds
/// there.</summary>
[Collection(nameof(Alone))] // counters are of the process
public sealed class MovedBatchTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_batch_goes_behind_rows_that_it_has_not_read_and_its_answers_show_it()
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

    /// <summary>A transaction may read at revision -1 until something is compacted. This one was in time; its answer got lost.</summary>
    [Fact]
    public async Task Invariant6_no_guessing_though_a_compaction_came_between_a_batch_and_the_question_where_it_went()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await here.WriteAsync(Put("a", "1"));
        await there.WriteAsync(Put("b", "1"));
        await here.QueryAsync<object>("""
            create sequence public.tries;
            create function public.refuse() returns trigger language plpgsql as $$
                begin perform nextval('public.tries'); raise exception using errcode = '57P01'; end $$;
            create trigger refused before insert on pgetcd.revisions for each statement execute function public.refuse();
            """);
        Task<WriteAnswer> write = here.WriteAsync(new TxnOperation
        {
            Success = [Put("c", "1"), new RangeOperation { Key = Bytes("a"), Revision = -1 }],
        });
        await Eventually.TrueAsync(
            async () => (await here.QueryAsync<bool>("select is_called from public.tries")).Single(), "the append is tried");

        await here.QueryAsync<object>($$"""
            drop trigger refused on pgetcd.revisions;
            select outcome from pgetcd.append(2, -1, 1, '{{here.Log.Frontend}}', '{0}', array['c']::bytea[], array['1']::bytea[], '{3}',
                '{1}', '{0}', array[null], array[null], '{}', '{}', 0::smallint, '{}');
            select pgetcd.compact(3);
            """);

        WriteAnswer answer = await write;
        (answer.Error, answer.Result?.Revision).ShouldBe((null, 4));
        await here.Tail.CatchUpAsync();
        Show(here.Replica.Current).ShouldBe(["a=1 2/2.0 v1", "b=1 3/3.0 v1", "c=1 4/4.0 v1"]);
    }

    /// <summary>The answer to each write is what its evaluation gives on the state before it, and the log holds what that
    /// evaluation changes, whichever frontend it came from and wherever its batch had been evaluated first.</summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public Task Invariant3_append_is_conditional_so_each_answer_is_that_of_the_state_before_it(int seed) => CheckAsync(seed);

    /// <summary>The same while others write from SQL, compact, raise alarms and end sessions, and answers of PostgreSQL get lost.</summary>
    [Theory]
    [InlineData(1, false)]
    [InlineData(2, true)]
    [InlineData(3, true)]
    public Task Invariant6_no_guessing_so_each_answer_is_that_of_the_log_whatever_comes_between(int seed, bool withAuth) =>
        CheckAsync(seed, isDisturbed: true, withAuth);

    private async Task CheckAsync(int seed, bool isDisturbed = false, bool withAuth = false)
    {
        const int frontends = 3, clients = 5, requests = 40;
        await using StoreParts direct = await CreateAsync(postgres);
        if (withAuth)
        {
            await EnableAuthAsync(direct);
        }

        for (int lease = 1; lease <= 3; lease++)
        {
            await direct.Leases.GrantAsync(lease, 600);
        }

        using LossyLink link = new(direct.Database.ConnectionString);
        List<StoreParts> parts = [];
        for (int i = 0; i < frontends; i++)
        {
            parts.Add(await OpenAsync(isDisturbed ? link.ConnectionString : direct.Database.ConnectionString.ConnectionString));
        }

        link.LosesOneIn = isDisturbed ? 20 : 0;
        using Counted moved = new("pgetcd_append_moved_total");
        ConcurrentBag<(Operation Operation, Caller Caller, WriteAnswer Answer)> answers = [];
        ConcurrentBag<Operation> unknown = [];
        Task load = Task.WhenAll(Enumerable.Range(0, frontends * clients).Select(client => Task.Run(async () =>
        {
            StoreParts part = parts[client % frontends];
            Random random = new((seed * 100) + client);
            Caller caller = !withAuth ? Caller.Server : new Caller(direct.Auth.Current, client % 2 == 0 ? "root" : "user", long.MaxValue);
            // Mostly keys of its own frontend, and two that all have.
            byte[][] pool = [.. "abcdefgh".Select(key => Bytes($"{client % frontends}{key}")), Bytes("shared"), Bytes("z")];
            RandomRequests generator = new(random, pool);
            for (int i = 0; i < requests; i++)
            {
                // Most read nothing that others change, so that batches move.
                long revision = part.Replica.Current.Revision;
                Operation operation = random.Next(isDisturbed ? 10 : 2) == 0
                    ? generator.Any(revision)
                    : Narrow(random, pool.AsSpan(0, 8), revision);
                if (operation is RangeOperation || RequestCheck.Check(operation, 128) != KvError.None)
                {
                    continue;
                }

                try
                {
                    Origin origin = new(caller, "client");
                    answers.Add((operation, caller, await part.Writer.WriteAsync(operation, 100, origin).WaitAsync(Patience)));
                }
                catch (StoreUnavailableException)
                {
                    unknown.Add(operation);
                }

                if (operation is RevokeLeaseOperation { Lease: <= 3 } revoke)
                {
                    try
                    {
                        await part.Leases.GrantAsync(revoke.Lease, 600);
                    }
                    catch (Exception exception) when (exception is AlarmRaisedException or StoreUnavailableException)
                    {
                        // It stays away for a while.
                    }
                }
            }
        })));
        if (isDisturbed)
        {
            await DisturbAsync(direct, new Random(seed), load);
        }

        await load;
        link.LosesOneIn = 0;

        LoggedPast past = await LoggedPast.ReadAsync(direct);
        HashSet<long> made = [.. await direct.QueryAsync<long>("select revision from pgetcd.revisions where frontend = 'sql'")];
        foreach ((Operation operation, Caller caller, WriteAnswer answer) in answers.Where(one => one.Answer.Error is null))
        {
            long revision = answer.Result!.Revision;
            string told = LoggedPast.Describe(answer.Result);
            if (past.Changes(operation, revision, told))
            {
                made.Add(revision).ShouldBeTrue($"revision {revision} has one write");
                past.Permits(caller, operation, revision - 1).ShouldBeTrue($"revision {revision}");
            }
            else
            {
                past.Answer(operation, revision).ShouldBe(told, $"at revision {revision}");
                past.Permits(caller, operation, revision).ShouldBeTrue($"at revision {revision}");
            }
        }

        List<Operation> late = [.. unknown];
        foreach (long revision in Enumerable.Range(2, (int)past.Last - 1).Select(revision => (long)revision).Where(r => !made.Contains(r)))
        {
            late.Remove(late.Find(operation => past.Changes(operation, revision)).ShouldNotBeNull($"revision {revision} has a write"));
        }

        if (!isDisturbed)
        {
            moved.Total.ShouldBeGreaterThan(0);
        }

        foreach (StoreParts part in parts)
        {
            await part.Tail.CatchUpAsync().WaitAsync(Patience);
            Show(part.Replica.Current).ShouldBe(await direct.StoredAsync());
            past.ShouldHave(part.Replica.Recent.After(1, out _)!.SelectMany(batch => batch.Events));
            await part.DisposeAsync();
        }
    }

    /// <summary>Ends a session in the middle of something.</summary>
    private const string KillSql = """
        select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and state <> 'idle' and pid <> pg_backend_pid() order by random() limit 1
        """;

    /// <summary>A write of one key that reads at most the keys with the same first letter.</summary>
    private static Operation Narrow(Random random, ReadOnlySpan<byte[]> keys, long revision)
    {
        byte[] key = keys[random.Next(keys.Length)];
        PutOperation put = new() { Key = key, Value = new byte[random.Next(3)], PrevKv = true, IgnoreLease = random.Next(4) == 0 };
        KeyRange all = new(key.AsMemory(0, 1), new byte[] { (byte)(key[0] + 1) });
        return random.Next(4) switch
        {
            0 => new DeleteRangeOperation { Key = key, PrevKv = true },
            1 => put,
            _ => new TxnOperation
            {
                Compares =
                [
                    new Compare
                    {
                        Key = keys[random.Next(keys.Length)],
                        Target = (CompareTarget)random.Next(5),
                        Result = (CompareResult)random.Next(4),
                        Number = random.Next(3) == 0 ? random.Next(3) : revision + 2 - random.Next(6),
                    },
                ],
                Success = [put, new RangeOperation { Key = all.Start, RangeEnd = all.End, MinModRevision = revision - random.Next(9) }],
                Failure = [new RangeOperation { Key = key, MaxCreateRevision = revision }, new DeleteRangeOperation { Key = key }],
            },
        };
    }

    private static async Task EnableAuthAsync(StoreParts parts)
    {
        AuthTable table = new(parts.Database);
        AuthEdit[] edits =
        [
            AuthEdit.AddUser("root", [], true), AuthEdit.GrantRole("root", "root"), AuthEdit.AddRole("some"),
            AuthEdit.GrantPermission("some", new PermissionRecord(2, Bytes("0"), Bytes("2"))),
            AuthEdit.GrantPermission("some", new PermissionRecord(0, Bytes("0"), Bytes("zz"))),
            AuthEdit.AddUser("user", [], true), AuthEdit.GrantRole("user", "some"), AuthEdit.Enable(),
        ];
        foreach (AuthEdit edit in edits)
        {
            (await table.ChangeAsync(new AuthChange(parts.Auth.Current.Revision, edit) { Frontend = "test" }, CancellationToken.None))
                .ShouldBeTrue();
            await parts.Tail.CatchUpAsync();
        }
    }

    private static async Task DisturbAsync(StoreParts parts, Random random, Task load)
    {
        while (!load.IsCompleted)
        {
            string key = $"{random.Next(3)}{(char)random.Next('a', 'i')}";
            foreach (string sql in (string[])(random.Next(8) switch
            {
                0 => [$"select outcome from pgetcd.compact((select coalesce(max(revision), 1) from pgetcd.revisions) - {random.Next(20)})"],
                1 => ["select pgetcd.set_alarm(1, 1, true)", "select pgetcd.set_alarm(1, 1, false)"],
                2 => [$"select pgetcd.delete('{key}')"],
                3 => [KillSql],
                _ => [$"select pgetcd.put('{key}', 'sql')"],
            }))
            {
                await parts.QueryAsync<object>(sql);
                await Task.WhenAny(load, Task.Delay(random.Next(15)));
            }
        }
    }

    private static TxnOperation If(string key, CompareTarget target, long number, Operation then) => new()
    {
        Compares = [new Compare { Key = Bytes(key), Target = target, Number = number }],
        Success = [then],
    };
}
