using PgEtcd.Postgres.Browsing;
using PgEtcd.Postgres.Leases;
using PgEtcd.Postgres.Members;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Browsing;

/// <summary>The queries of the console: each column arrives in its field.</summary>
public sealed class BrowserTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task The_server_is_described()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        using Browser browser = new(fixture.Database);
        ServerBrowser server = new(browser);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=1", "b=2"));
        await new LeaseTable(fixture.Database).GrantAsync(5, 60, Guid.NewGuid(), CancellationToken.None);
        await fixture.Log.CompactAsync(2, Guid.NewGuid(), CancellationToken.None, "joe", "ipv4:1.2.3.4:5");
        await fixture.Log.CompactAsync(3, Guid.NewGuid(), CancellationToken.None);
        Member one = new(0x1f, "one", ["http://one:2379"], []);
        await new MemberTable(fixture.Database).BeatAsync(one, "one-run", 3, CancellationToken.None);

        PostgresFacts facts = await server.FactsAsync(CancellationToken.None);
        facts.ShouldSatisfyAllConditions(
            () => facts.Version.ShouldNotBeEmpty(),
            () => facts.StartedAt.ShouldBeLessThan(DateTime.UtcNow),
            () => facts.DatabaseSize.ShouldBeGreaterThan(facts.Total),
            () => facts.Total.ShouldBeGreaterThan(facts.InUse),
            () => facts.MostConnections.ShouldBeGreaterThan((int)facts.Connections),
            () => facts.IsStandby.ShouldBeFalse());

        (await server.CompactionsAsync(CancellationToken.None))
            .Select(found => (found.Revision, found.Username, found.Client, found.Frontend))
            .ShouldBe([(3, "postgres", null, fixture.Log.Frontend), (2, "joe", "ipv4:1.2.3.4:5", fixture.Log.Frontend)]);

        SeenFrontend frontend = (await server.FrontendsAsync(CancellationToken.None)).ShouldHaveSingleItem();
        (frontend.Id, frontend.Name, frontend.Run, frontend.Behind).ShouldBe(("1f", "one", "one-run", 0));
        frontend.ClientUrls.ShouldBe(["http://one:2379"]);

        SeenLease lease = (await server.LeasesAsync(10, CancellationToken.None)).ShouldHaveSingleItem();
        (lease.Id, lease.Ttl).ShouldBe((5, 60));
        lease.ExpiresIn.ShouldBeInRange(1, 60);
        (await server.LeaseAsync(5, CancellationToken.None))!.ExpiresAt.ShouldBe(lease.ExpiresAt);
        (await server.LeaseAsync(6, CancellationToken.None)).ShouldBeNull();
        (await server.CountLeasesAsync(CancellationToken.None)).ShouldBe(1);
    }

    [Fact]
    public async Task Statements_under_way_are_listed()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        using Browser browser = new(fixture.Database);
        Task sleeping = fixture.QueryAsync<string>("select pg_sleep(1)::text");

        List<SeenStatement> seen = [];
        await Testing.Eventually.TrueAsync(
            async () => (seen = await new ServerBrowser(browser).StatementsAsync(CancellationToken.None)).Count > 0,
            Testing.Eventually.Patience, "the statement is listed");
        SeenStatement statement = seen.ShouldHaveSingleItem();
        statement.Query.ShouldContain("pg_sleep");
        (statement.State, statement.Application, statement.WaitsFor).ShouldBe(("active", "pgetcd", "Timeout"));
        statement.Seconds.ShouldBeGreaterThan(0);
        await sleeping;
    }

    [Fact]
    public async Task Moments_and_their_keys_are_found()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        using Browser browser = new(fixture.Database);
        PastBrowser past = new(browser);
        DateTime before = DateTime.UtcNow;
        await fixture.AppendAsync(LogFixture.Puts(1, "a/b=value", "a/c=2", "d=3"));
        byte[] key = LogFixture.Bytes("a/b");

        (await past.MarksAsync(CancellationToken.None)).ShouldSatisfyAllConditions(
            marks => marks.Revision.ShouldBe(4), marks => marks.CompactRevision.ShouldBe(-1));
        DateTime time = (await past.TimeOfAsync(4, CancellationToken.None)).ShouldNotBeNull();
        time.ShouldBeGreaterThan(before.AddMinutes(-1));
        (await past.TimeOfAsync(1, CancellationToken.None)).ShouldBeNull();
        (await past.RevisionAtAsync(time, CancellationToken.None)).ShouldBe(4);
        (await past.RevisionAgoAsync(TimeSpan.Zero, CancellationToken.None)).ShouldBe(4);

        (await past.LevelAsync(4, [], "/"u8.ToArray(), [], 10, CancellationToken.None)).Rows
            .Select(entry => (System.Text.Encoding.UTF8.GetString(entry.Entry), entry.IsKey, entry.Keys))
            .ShouldBe([("a/", false, 2), ("d", true, 1)]);
        Page<SeenKey> page = await past.ListAsync(4, [], null, 2, 3, CancellationToken.None);
        page.Rows.Select(row => (row.Size, row.ModRevision)).ShouldBe([(5, 2), (1, 3)]);
        page.Rows[0].Value.ShouldBe(LogFixture.Bytes("val"));
        page.Next.ShouldBe(LogFixture.Bytes("d"));
        (await past.SearchAsync(4, [], LogFixture.Bytes("c"), false, [], 10, 3, CancellationToken.None)).Rows
            .ShouldHaveSingleItem().ModRevision.ShouldBe(3);
        (await past.PickAsync(4, [key, [1]], 3, CancellationToken.None)).ShouldHaveSingleItem().CreateRevision.ShouldBe(2);
        (await past.KeyAsync(4, key, CancellationToken.None))!.Value.ShouldBe(LogFixture.Bytes("value"));
        (await past.KeyAsync(4, [1], CancellationToken.None)).ShouldBeNull();
        (await Should.ThrowAsync<RefusedException>(() => past.KeyAsync(5, key, CancellationToken.None))).Refusal.ShouldBe(Refusal.Future);
    }

    [Fact]
    public async Task Changes_are_found()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        using Browser browser = new(fixture.Database);
        ChangeBrowser changes = new(browser);
        await fixture.AppendAsync(LogFixture.Puts(1, "a=value", "b=2", "c=3"));
        byte[] key = LogFixture.Bytes("a");

        SeenChange change = (await changes.OfKeyAsync(key, 4, 10, CancellationToken.None)).ShouldHaveSingleItem();
        (change.ModRevision, change.Change, change.Size, change.Username, change.Archived).ShouldBe((2, "create", 5, "user", false));
        (await changes.OfRevisionsAsync([3, 4], 10, CancellationToken.None)).Select(row => row.ModRevision).ShouldBe([3, 4]);
        (await changes.OriginsAsync([3], true, CancellationToken.None)).ShouldHaveSingleItem().Username.ShouldBe("user");
        (await changes.ChangesAsync(new ChangeFilter { BeforeRevision = 4, BeforeSub = 0 }, 10, CancellationToken.None))
            .Select(row => row.ModRevision).ShouldBe([3, 2]);
        (await changes.SinceAsync(2, 4, [], 10, CancellationToken.None)).Select(row => row.ModRevision).ShouldBe([3, 4]);
        Page<SeenDifference> page = await changes.DifferencesAsync(2, 4, [], [], 1, true, CancellationToken.None);
        (page.Rows.ShouldHaveSingleItem().NewModRevision, page.Rows[0].OldValue).ShouldBe((3, null));
        page.Next.ShouldBe(LogFixture.Bytes("c"));
        (await changes.CountDifferencesAsync(2, 4, [], CancellationToken.None)).ShouldBe([new DifferenceCount("create", 2, true)]);
    }
}
