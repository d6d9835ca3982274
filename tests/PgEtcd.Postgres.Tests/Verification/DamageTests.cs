using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Verification;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;
using static PgEtcd.Postgres.Tests.RemovalFixture;

namespace PgEtcd.Postgres.Tests.Verification;

/// <summary>Each kind of damage is found and named.</summary>
public sealed class DamageTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Insert =
        "insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend) values ";

    /// <summary>Only this invariant is violated, once, with this sentence.</summary>
    [Theory]
    [InlineData("delete from pgetcd.leader", "cluster: The table leader has 0 rows, not one.")]
    [InlineData("update pgetcd.cluster set alarms = 3", "cluster: cluster.alarms is 3, the table of alarms makes 0.")]
    [InlineData("update pgetcd.cluster set auth_revision = 0", "cluster: auth_revision is 0, below 1.")]
    [InlineData("update pgetcd.removal set walked_revision = 12", "cluster: removal.walked_revision is 12, above the compact revision 9.")]
    [InlineData("insert into pgetcd.compactions values (10)", "cluster: A compaction at 10 is recorded, the compact revision is 9.")]
    [InlineData("insert into pgetcd.auth_audit (action, frontend, subject, auth_revision) values ('RoleAdd', 'f', 'r', 3)",
        "cluster: A change of auth to revision 3 is recorded, auth_revision is 1.")]
    [InlineData("insert into pgetcd.auth_users values ('u', null, false, 2); insert into pgetcd.auth_tokens values ('x', 'u', 3, now())",
        "cluster: 2 users or tokens are of an auth revision above 1, where auth is.")]
    [InlineData("update pgetcd.cluster set auth_enabled = true", "cluster: Auth is enabled, and there is no user root with the role root.")]
    [InlineData("update pgetcd.leases set ttl = 0", "cluster: 1 leases have no id or no time to live.")]
    [InlineData("select setval('pgetcd.revision_seq', 5)", "sequence: The sequence revision_seq is at 5, the last revision is 17.")]
    [InlineData("delete from pgetcd.revisions where revision = 12", "revisions: Revision 12 is missing.")]
    [InlineData(
        "update pgetcd.revisions set sub = 2 where revision = 14 and sub = 1", "subs: Revision 14 has a change 2 where 1 should be.")]
    [InlineData("update pgetcd.revisions set sub = 1 where revision = 13", "subs: Revision 13 has a change 1 where 0 should be.")]
    [InlineData("update pgetcd.revisions set key = '' where revision = 12", "rows: Revision 12/0 has no key.")]
    [InlineData("update pgetcd.revisions set version = 3 where revision = 11",
        "rows: Key 'd' at revision 11/0: a tombstone with create revision 0, version 3 and lease 0 cannot be.")]
    [InlineData("update pgetcd.revisions set version = 5 where revision = 10",
        "versions: Key 'c' at revision 10 has create revision 6 and version 5; after revision 7 they should be 6 and 3.")]
    [InlineData("update pgetcd.revisions set create_revision = 7 where revision = 10",
        "versions: Key 'c' at revision 10 has create revision 7 and version 3; after revision 7 they should be 6 and 3.")]
    [InlineData(Insert + "(nextval('pgetcd.revision_seq'), 0, 'd', null, 0, 0, 0, now(), 'x')",
        "tombstones: Key 'd' is deleted by revision 18, but was deleted by 11 before.")]
    [InlineData(Insert + "(nextval('pgetcd.revision_seq'), 0, 'new', null, 0, 0, 0, now(), 'x')",
        "compaction: Key 'new' is deleted in revision 18, but what it held at the compact revision 9 is gone.")]
    [InlineData("delete from pgetcd.revisions_archive where revision = 3",
        "archive: Revision 3 is neither in the log nor in the archive, though the history above revision 0 is said to be whole.")]
    [InlineData("""
        insert into pgetcd.revisions_archive (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
        select revision, sub, key, value, create_revision, version, lease, committed_at, frontend from pgetcd.revisions where revision = 7
        """, "archive: Revision 7/0 is both in the log and in the archive.")]
    [InlineData("""
        with gone as (delete from pgetcd.revisions where revision = 8 returning *)
        insert into pgetcd.revisions_archive (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
        select revision, sub, key, value, create_revision, version, lease, committed_at, frontend from gone
        """, "compaction: Key 'a': what it holds (revision 8, version 1) is in the archive only.")]
    [InlineData("delete from pgetcd.leases", "leases: Key 'leased' (revision 17) hangs on lease 4d2, which does not exist.")]
    [InlineData("""
        create or replace view pgetcd.current_state as
            select r.key, pgetcd.as_text(r.key) as key_text, r.value, pgetcd.as_text(r.value) as value_text,
                r.create_revision, r.revision as mod_revision, r.version, r.lease
            from pgetcd.revisions r where r.revision in (8, 10, 12, 14, 15, 16, 17)
        """, "current_state: Key 'f' is not in current_state, revision 13 (version 1) is its last change in the log.")]
    public async Task Each_kind_of_damage_is_one_violation(string damage, string violation)
    {
        await using RemovalFixture store = await StoreAsync(toArchive: true);
        (await Verified.OfAsync(store.Database)).ShouldBeEmpty();

        await store.Log.QueryAsync<object>(damage);
        // The changed archive is reported besides.
        (await Verified.OfAsync(store.Database))
            .Where(found => !found.StartsWith("digest: ", StringComparison.Ordinal)).ShouldBe([violation]);
    }

    /// <summary>Fault B8: rewritten history passed the verification.</summary>
    [Theory]
    [InlineData("update pgetcd.revisions set value = 'other' where revision = 12",
        "A row of the log up to revision 17, recorded at *, is not what it was.")]
    [InlineData("update pgetcd.revisions set username = 'somebody' where revision = 12",
        "A row of the log up to revision 17, recorded at *, is not what it was.")]
    [InlineData("delete from pgetcd.revisions where revision = 17; delete from pgetcd.leases",
        "There are 11 rows of the log up to revision 17, recorded at *; there were 12.")]
    [InlineData("""
        insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
        select r.revision, 1, 'late', 'v', 12, 1, 0, r.committed_at, r.username, r.client, r.frontend
        from pgetcd.revisions r where r.revision = 12
        """, "There are 13 rows of the log up to revision 17, recorded at *; there were 12.")]
    [InlineData(
        "update pgetcd.revisions_archive set value = 'other' where revision = 3",
        "A row of the archive, removed on *, is not what it was.")]
    [InlineData("""
        update pgetcd.removal set kept_revision = 9;
        delete from pgetcd.revisions_archive where revision = 3
        """, "There are 5 rows of the archive, removed on *; there were 6.")]
    public async Task The_recorded_digest_is_compared(string damage, string sentence)
    {
        await using RemovalFixture store = await StoreAsync(toArchive: true);
        await new DigestTable(store.Database).RecordAsync(CancellationToken.None);
        (await Verified.OfAsync(store.Database)).ShouldBeEmpty();

        await store.Log.QueryAsync<object>(damage);
        (await Verified.OfAsync(store.Database)).ShouldHaveSingleItem()
            .ShouldMatch(
                "^digest: " + System.Text.RegularExpressions.Regex.Escape(sentence).Replace("\\*", "\\S+", StringComparison.Ordinal) + "$");
    }

    /// <summary>Fault B8: a row added to a past revision, with a new key and version 1, passed.</summary>
    [Theory]
    [InlineData("clock_timestamp()", "r.username", "r.frontend")]
    [InlineData("r.committed_at", "'another'", "r.frontend")]
    [InlineData("r.committed_at", "r.username", "'another'")]
    public async Task A_row_added_later_to_a_revision_is_found(string time, string username, string frontend)
    {
        await using RemovalFixture store = await StoreAsync(toArchive: true);
        await store.Log.QueryAsync<object>($"""
            insert into pgetcd.revisions
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
            select 17, 1, 'late', 'v', 17, 1, 0, {time}, {username}, r.client, {frontend} from pgetcd.revisions r where r.revision = 17
            """);
        (await Verified.OfAsync(store.Database)).ShouldBe(["together: Revision 17/1 was not written together with 17/0."]);
    }

    [Fact]
    public async Task Decreasing_times_are_found()
    {
        await using RemovalFixture store = await StoreAsync(toArchive: true);
        await store.Log.QueryAsync<object>("update pgetcd.revisions set committed_at = '2000-01-01' where revision = 13");
        (await Verified.OfAsync(store.Database)).ShouldHaveSingleItem().ShouldStartWith("times: Revision 13/0 was committed at 2000-01-01");
    }

    [Fact]
    public async Task Missing_rows_that_a_compaction_must_keep_are_found()
    {
        await using RemovalFixture store = await StoreAsync(toArchive: false);
        (await Verified.OfAsync(store.Database)).ShouldBeEmpty();

        await store.Log.QueryAsync<object>("delete from pgetcd.revisions where revision in (7, 9)");
        (await Verified.OfAsync(store.Database)).ShouldBe(
        [
            "compaction: There is no row of the compact revision 9 itself.",
            "compaction: Key 'c' is at version 3 in revision 10, but what it held at the compact revision 9 is gone.",
            "compaction: Key 'd' is deleted in revision 11, but what it held at the compact revision 9 is gone.",
        ]);
    }

    [Fact]
    public async Task The_first_of_many_violations_are_listed_and_all_are_counted()
    {
        await using RemovalFixture store = await StoreAsync(toArchive: true);
        await store.Log.QueryAsync<object>(Insert + "(100, 0, 'x', 'v', 100, 1, 0, now(), 'x')");
        await store.Log.QueryAsync<object>("""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select n, 0, convert_to('k' || n, 'utf8'), 'v', n, 1, 77, now(), 'x' from generate_series(200, 300, 2) n
            """);
        await using Verifier verifier = await Verifier.OpenAsync(store.Database, CancellationToken.None);
        await verifier.CheckLogAsync(_ => { }, CancellationToken.None);
        await verifier.CheckKeysAsync(_ => { }, CancellationToken.None);
        (long count, IReadOnlyList<string> told) = verifier.Findings.Of(Invariant.Revisions);
        count.ShouldBe(52);
        told.Count.ShouldBe(10);
        told[0].ShouldBe("Revisions 18 to 99 are missing.");
        verifier.Findings.Of(Invariant.Leases).Count.ShouldBe(51);
    }

    /// <summary>Up to revision 17: deletes, revisions of two changes, a lease; compacted at 9 and removed.</summary>
    private async Task<RemovalFixture> StoreAsync(bool toArchive)
    {
        RemovalFixture store = await CreateAsync(postgres);
        await store.Log.QueryAsync<object>("select pgetcd.keep_archive('30 days')::text");
        await store.WriteAsync(Put("a")); // 2
        await store.WriteAsync(Put("a"));
        await store.WriteAsync(Put("b"));
        await store.WriteAsync(Delete("a", "c")); // 5: two changes
        await store.WriteAsync(Put("c"));
        await store.WriteAsync(Put("c"));
        await store.WriteAsync(Put("a")); // 8
        await store.WriteAsync(Put("d"));
        await store.WriteAsync(Put("c")); // 10
        await store.WriteAsync(Delete("d"));
        await store.WriteAsync(Put("e")); // 12
        await store.WriteAsync(Put("f"));
        await store.WriteAsync(Put("g"));
        await store.WriteAsync(Put("h"));
        await store.WriteAsync(Put("i")); // 16
        await store.ExecuteAsync("""
            insert into pgetcd.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select 14, 1, 'second', 'v', 14, 1, 0, r.committed_at, r.frontend from pgetcd.revisions r where r.revision = 14
            """);
        await store.CompactAsync(9);
        (await store.RemoveAsync(toArchive: toArchive)).ShouldBe(RemovalOutcome.Finished);
        await store.Log.QueryAsync<object>("insert into pgetcd.leases values (1234, 60, now(), gen_random_uuid())");
        await store.Log.QueryAsync<long>("select pgetcd.put('leased', 'v', 1234)");
        return store;
    }
}
