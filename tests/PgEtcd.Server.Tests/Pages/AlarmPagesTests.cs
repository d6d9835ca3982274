using System.Text;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging.Abstractions;
using PgEtcd.Frontend.Members;
using PgEtcd.Frontend.Tests;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Server.Pages;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Pages;

/// <summary>The effect of alarms on the health pages.</summary>
public sealed class AlarmPagesTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime, IDisposable
{
    private AlarmKinds _alarms;
    private StoreParts _parts = null!;
    private readonly Leader _leader = new(TimeProvider.System, NullLogger<Leader>.Instance);
    private Membership _membership = null!;
    private HealthProbe _probe = null!;

    public async Task InitializeAsync()
    {
        _parts = await StoreParts.CreateAsync(postgres);
        _membership = new Membership(
            _parts.Database, _leader, "run", [new PgEtcd.Postgres.Members.Member(1, "name", [], [])], static () => 1, TimeProvider.System,
            NullLogger<Membership>.Instance);
        await _membership.JoinAsync(CancellationToken.None);
        _probe = new HealthProbe(_parts.Reader, _membership, () => _alarms, static () => []);
    }

    [Theory]
    [InlineData(AlarmKinds.NoSpace, "ALARM NOSPACE", "?exclude=NOSPACE")]
    [InlineData(AlarmKinds.Corrupt | AlarmKinds.Other, "ALARM CORRUPT", "?exclude=CORRUPT&exclude=NOSPACE")]
    public async Task An_alarm_is_unhealthy_unless_it_is_excluded(AlarmKinds alarm, string reason, string exclusion)
    {
        HealthPage page = new(_probe);
        (await GetAsync(page.ServeAsync, "")).ShouldBe((200, """{"health":"true","reason":""}"""));
        _alarms = alarm;
        string ill = $$"""{"health":"false","reason":"{{reason}}"}""" + "\n";
        (await GetAsync(page.ServeAsync, "")).ShouldBe((503, ill));
        (await GetAsync(page.ServeAsync, "?serializable=true")).ShouldBe((503, ill));
        (await GetAsync(page.ServeAsync, "?exclude=SOMETHING")).ShouldBe((503, ill));
        (await GetAsync(page.ServeAsync, exclusion)).Status.ShouldBe(200);
    }

    [Fact]
    public async Task Of_two_alarms_the_one_that_is_not_excluded_counts()
    {
        _alarms = AlarmKinds.NoSpace | AlarmKinds.Corrupt;
        (await GetAsync(new HealthPage(_probe).ServeAsync, "?exclude=NOSPACE")).Text.ShouldContain("ALARM CORRUPT");
    }

    [Fact]
    public async Task Corruption_makes_it_unready_and_lack_of_space_does_not()
    {
        RequestDelegate ready = CheckPages.Ready(_probe).Pages().Single(page => page.Path == "/readyz").Serve;
        RequestDelegate live = CheckPages.Live(_probe).Pages().Single(page => page.Path == "/livez").Serve;
        _alarms = AlarmKinds.NoSpace;
        (await GetAsync(ready, "")).ShouldBe((200, "ok\n"));
        _alarms = AlarmKinds.Corrupt;
        (await GetAsync(ready, "")).ShouldBe((
            503,
            "[-]data_corruption failed: alarm activated: CORRUPT\n"
            + "[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\n\n"));
        (await GetAsync(ready, "?exclude=data_corruption")).Status.ShouldBe(200);
        (await GetAsync(live, "")).Status.ShouldBe(200);
    }

    public async Task DisposeAsync()
    {
        await _membership.DisposeAsync();
        await _parts.DisposeAsync();
    }

    public void Dispose() => _leader.Dispose();

    private static async Task<(int Status, string Text)> GetAsync(RequestDelegate page, string query)
    {
        using MemoryStream body = new();
        DefaultHttpContext context =
            new() { Request = { Method = "GET", QueryString = new QueryString(query) }, Response = { Body = body } };
        await page(context);
        return (context.Response.StatusCode, Encoding.UTF8.GetString(body.ToArray()));
    }
}
