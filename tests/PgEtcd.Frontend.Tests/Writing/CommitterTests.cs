using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Protocol;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Frontend.Tests.StoreParts;

namespace PgEtcd.Frontend.Tests.Writing;

public sealed class CommitterTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task Failures_in_a_batch_do_not_affect_other_writes()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        WriteAnswer[] answers = await BatchAsync(parts,
            Put("a", "1"),
            new PutOperation { Key = Bytes("none"), IgnoreValue = true },
            Put("b", "1", lease: 404),
            Delete("a"),
            Delete("a"),
            Txn(Put("c", "1"), new RangeOperation { Key = Bytes("c"), Revision = 99 }),
            Txn(Put("c", "2"), Put("d", "2")),
            new RevokeLeaseOperation { Lease = 405 },
            Put("c", "3"));

        answers.Select(answer => answer.Error).ShouldBe(
        [
            null, EtcdErrors.KeyNotFound, EtcdErrors.LeaseNotFound, null, null,
            EtcdErrors.FutureRev, null, EtcdErrors.LeaseNotFound, null,
        ]);
        answers.Where(answer => answer.Error is null).Select(answer => answer.Result!.Revision).ShouldBe([2, 3, 3, 4, 5]);
        Show(parts.Replica.Current).ShouldBe(["c=3 4/5.0 v2", "d=2 4/4.1 v1"]);
        (await parts.StoredAsync()).ShouldBe(Show(parts.Replica.Current));
    }

    /// <summary>Fault B11: it was told after the second time limit of the statement, 10.1 s instead of 7.</summary>
    [Fact]
    public async Task A_write_that_waits_for_the_lock_times_out_in_time()
    {
        await using StoreParts first = await CreateAsync(postgres);
        await using StoreParts parts = await OpenAsync(
            first.Database.ConnectionString.ConnectionString, timeLimit: TimeSpan.FromSeconds(1));
        long started = System.Diagnostics.Stopwatch.GetTimestamp();
        await using (await first.HoldAsync())
        {
            Task<WriteAnswer>[] writes = [parts.WriteAsync(Put("a", "1")), parts.WriteAsync(Put("b", "1"))];
            foreach (Task<WriteAnswer> write in writes)
            {
                await Should.ThrowAsync<StoreUnavailableException>(write);
            }

            System.Diagnostics.Stopwatch.GetElapsedTime(started).TotalSeconds.ShouldBeInRange(0.9, 3.5);
        }
    }

    [Fact]
    public async Task Leases_that_several_writes_name_are_found_missing_for_each_of_them()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        (await parts.Leases.GrantAsync(7, 60))!.Value.Id.ShouldBe(7);
        WriteAnswer[] answers = await BatchAsync(parts,
            Put("a", "1", lease: 8), Put("b", "1", lease: 7), Put("c", "1", lease: 9), Put("d", "1", lease: 8),
            Txn(Put("e", "1"), Put("f", "1", lease: -8)), Put("g", "1"));

        answers.Select(answer => answer.Error).ShouldBe(
            [EtcdErrors.LeaseNotFound, null, EtcdErrors.LeaseNotFound, EtcdErrors.LeaseNotFound, EtcdErrors.LeaseNotFound, null]);
        Show(parts.Replica.Current).ShouldBe(["b=1 2/2.0 v1 l7", "g=1 3/3.0 v1"]);
    }

    [Fact]
    public async Task A_lease_revoked_in_a_batch_does_not_exist_for_its_later_writes()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await parts.Leases.GrantAsync(7, 60);
        WriteAnswer[] answers = await BatchAsync(parts,
            Put("a", "1", lease: 7),
            Put("b", "1", lease: 7),
            new RevokeLeaseOperation { Lease = 7 },
            Put("c", "1", lease: 7),
            new PutOperation { Key = Bytes("a"), Value = Bytes("2"), IgnoreLease = true },
            new RevokeLeaseOperation { Lease = 7 },
            Put("d", "1"));

        answers.Select(answer => answer.Error).ShouldBe(
            [null, null, null, EtcdErrors.LeaseNotFound, EtcdErrors.KeyNotFound, EtcdErrors.LeaseNotFound, null]);
        Show(parts.Replica.Current).ShouldBe(["d=1 5/5.0 v1"]);
        (await parts.QueryAsync<long>("select id from pgetcd.leases")).ShouldBeEmpty();
        (await parts.QueryAsync<string>("select revision || '.' || sub from pgetcd.revisions order by revision, sub"))
            .ShouldBe(["2.0", "3.0", "4.0", "4.1", "5.0"]);
    }

    [Fact]
    public async Task A_missing_lease_is_reported_before_a_missing_key_only_where_etcd_does()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        PutOperation keyless = new() { Key = Bytes("none"), IgnoreValue = true, Lease = 404 };

        (await parts.WriteAsync(keyless)).Error.ShouldBe(EtcdErrors.LeaseNotFound);
        (await parts.WriteAsync(Txn(keyless))).Error.ShouldBe(EtcdErrors.KeyNotFound);
        (await parts.WriteAsync(Txn(Put("a", "1", lease: 404), keyless))).Error.ShouldBe(EtcdErrors.LeaseNotFound);
        parts.Replica.Current.Revision.ShouldBe(1);
    }

    [Fact]
    public async Task A_lease_whose_row_was_lost_does_not_hold_a_put_that_keeps_it()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        await parts.Leases.GrantAsync(7, 60);
        await parts.WriteAsync(Put("a", "1", lease: 7));
        await parts.QueryAsync<long>("delete from pgetcd.leases returning id");

        WriteAnswer answer = await parts.WriteAsync(new PutOperation { Key = Bytes("a"), Value = Bytes("2"), IgnoreLease = true });

        answer.Error.ShouldBeNull();
        Show(parts.Replica.Current).ShouldBe(["a=2 2/3.0 v2 l7"]);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_so_a_stale_frontend_evaluates_again()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await there.WriteAsync(Put("a", "theirs"));
        await there.WriteAsync(Txn(Put("b", "theirs"), Put("c", "theirs")));

        WriteAnswer[] answers = await BatchAsync(here,
            new PutOperation { Key = Bytes("a"), Value = Bytes("ours"), PrevKv = true },
            new TxnOperation
            {
                Compares = [new Compare { Key = Bytes("b"), Target = CompareTarget.Create, Number = 0 }],
                Success = [Put("b", "created")],
                Failure = [Delete("b")],
            });

        PutResult put = answers[0].Result.ShouldBeOfType<PutResult>();
        Text(put.Previous.ShouldNotBeNull().Value).ShouldBe("theirs");
        put.Revision.ShouldBe(4);
        answers[1].Result.ShouldBeOfType<TxnResult>().Succeeded.ShouldBeFalse();
        Show(here.Replica.Current).ShouldBe(["a=ours 2/4.0 v2", "c=theirs 3/3.1 v1"]);
        (await here.StoredAsync()).ShouldBe(Show(here.Replica.Current));
    }

    [Fact]
    public async Task Writes_that_seem_to_change_nothing_or_to_fail_are_decided_on_the_present()
    {
        await using StoreParts here = await CreateAsync(postgres);
        await using StoreParts there = await here.AnotherAsync();
        await there.WriteAsync(Put("a", "theirs"));
        (await here.WriteAsync(Delete("a"))).Result.ShouldBeOfType<DeleteRangeResult>().Deleted.ShouldBe(1);

        await there.WriteAsync(Put("a", "theirs"));
        (await here.WriteAsync(new PutOperation { Key = Bytes("a"), IgnoreValue = true })).Error.ShouldBeNull();

        await there.WriteAsync(Delete("a"));
        (await here.WriteAsync(Delete("b"))).Result!.Revision.ShouldBe(there.Replica.Current.Revision);
        here.Replica.Current.Revision.ShouldBe(there.Replica.Current.Revision);

        await there.Log.CompactAsync(3, Guid.NewGuid(), CancellationToken.None);
        WriteAnswer old = await here.WriteAsync(Txn(new RangeOperation { Key = Bytes("a"), Revision = 2 }, Delete("b")));
        old.Error.ShouldBe(EtcdErrors.Compacted);
    }

    [Fact]
    public async Task Invariant4_one_commit_per_batch_and_large_writes_are_several()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        string big = new('x', 300 * 1024);

        WriteAnswer[] answers = await Task.WhenAll(Enumerable.Range(0, 60).Select(i => parts.Committer.WriteAsync(
            Put($"{i:00}", big), big.Length, parts.Replica, new Origin(Caller.Server, null)))).WaitAsync(Patience);

        answers.Select(answer => answer.Result!.Revision).ShouldBe(Enumerable.Range(2, 60).Select(revision => (long)revision));
        (await parts.QueryAsync<string>("select key::text || length(value) from pgetcd.revisions where length(value) <> 307200"))
            .ShouldBeEmpty();
    }

    [Fact]
    public async Task The_caller_is_recorded_in_the_log()
    {
        await using StoreParts parts = await CreateAsync(postgres);
        Origin alice = new(new Caller(parts.Auth.Current, "alice", long.MaxValue), "10.0.0.1:7");
        await parts.Committer.WriteAsync(Put("a", "1"), 1, parts.Replica, alice).WaitAsync(Patience);
        await parts.Committer.WriteAsync(Delete("a"), 1, parts.Replica, new Origin(Caller.Server, null)).WaitAsync(Patience);

        (await parts.QueryAsync<string>("""
            select concat_ws(' ', coalesce(username, '-'), coalesce(client, '-'), split_part(frontend, '-', 1))
            from pgetcd.revisions order by revision
            """))
            .ShouldBe(["alice 10.0.0.1:7#Put test", "- #DeleteRange test"]);
    }

    private static TxnOperation Txn(params Operation[] operations) => new() { Success = operations };

    /// <summary>Writes that go in one batch: they gather behind one that is under way.</summary>
    private static async Task<WriteAnswer[]> BatchAsync(StoreParts parts, params Operation[] operations)
    {
        Task<WriteAnswer> first;
        Task<WriteAnswer>[] writes;
        await using (await parts.HoldAsync())
        {
            first = parts.WriteAsync(Delete("nothing"));
            writes = [.. operations.Select(operation => parts.WriteAsync(operation))];
        }

        (await first).Error.ShouldBeNull();
        return await Task.WhenAll(writes);
    }
}
