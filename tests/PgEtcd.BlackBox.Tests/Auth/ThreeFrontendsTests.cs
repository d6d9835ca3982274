using PgEtcd.Testing;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>A change acknowledged at one frontend binds all others from then on.</summary>
public sealed class ThreeFrontendsTests(ThreeFrontends three) : IClassFixture<ThreeFrontends>, IAsyncLifetime
{
    private const int Hammers = 4;

    private readonly string _joe = $"joe{Guid.NewGuid():N}";

    private AuthClient[] _clients = [];

    private AuthClient First => _clients[0];

    public static TheoryData<string> Changes => new(
        "the permission is revoked", "the role is taken", "the role is deleted", "the user is deleted", "the password is changed");

    public async Task InitializeAsync()
    {
        _clients = [.. three.Servers.Select(AuthClient.To)];
        await First.LoginRootAsync();
    }

    [Fact]
    public async Task A_token_is_valid_at_every_frontend()
    {
        await First.AddUserAsync(_joe, First.Root);
        await First.GrantAsync(_joe, "READWRITE", "a", "b", First.Root);

        string token = await _clients[1].LoginAsync(_joe);

        foreach (AuthClient client in _clients)
        {
            (await client.PutAsync("a", token)).ShouldBe(AuthClient.Granted);
            (await client.RangeAsync("a", "b", token)).ShouldBe(AuthClient.Granted);
            (await client.PutAsync("b", token)).ShouldBe(AuthClient.Denied);
            (await client.OutcomeAsync("etcdserverpb.Auth/UserList", token: First.Root)).ShouldBe(AuthClient.Granted);
        }
    }

    [Fact]
    public async Task A_grant_at_one_frontend_holds_at_the_others_at_once()
    {
        await First.AddUserAsync(_joe, First.Root);
        string token = await _clients[1].LoginAsync(_joe);
        for (int i = 0; i < 30; i++)
        {
            string key = $"k{i:00}";
            AuthClient there = _clients[1 + (i % 2)];
            (await there.PutAsync(key, token)).ShouldBe(AuthClient.Denied);
            await First.GrantAsync(_joe, "READWRITE", key, "", First.Root);
            (await there.PutAsync(key, token)).ShouldBe(AuthClient.Granted);
            (await there.RangeAsync(key, "", token, ",\"serializable\":true")).ShouldBe(AuthClient.Granted);
        }
    }

    [Theory]
    [MemberData(nameof(Changes))]
    [Trait("issue", "etcd#14571")]
    public async Task No_request_after_an_acknowledged_revocation_passes_at_another_frontend(string change)
    {
        await First.AddUserAsync(_joe, First.Root);
        await First.GrantAsync(_joe, "READWRITE", "a", "b", First.Root);
        string token = await First.LoginAsync(_joe);
        using CancellationTokenSource stopping = new();
        bool isAcknowledged = false;
        int before = 0;
        int after = 0;
        Task[] hammers = [.. Enumerable.Range(0, Hammers).Select(i => Task.Run(async () =>
        {
            AuthClient client = _clients[1 + (i % 2)];
            while (!stopping.IsCancellationRequested)
            {
                bool mustFail = Volatile.Read(ref isAcknowledged);
                string outcome = (i / 2 % 2, before % 2) switch
                {
                    (0, _) => await client.PutAsync("a", token),
                    (_, 0) => await client.RangeAsync("a", "", token),
                    _ => await client.RangeAsync("a", "", token, ",\"serializable\":true"),
                };
                if (mustFail)
                {
                    outcome.ShouldBeOneOf(AuthClient.Denied, AuthClient.BadToken, AuthClient.OldRevision);
                    Interlocked.Increment(ref after);
                }
                else if (outcome == AuthClient.Granted)
                {
                    Interlocked.Increment(ref before);
                }
            }
        }))];
        await Eventually.TrueAsync(() => before > 50, "requests get through");

        await ChangeAsync(change);
        Volatile.Write(ref isAcknowledged, true);

        await Eventually.TrueAsync(() => after > 100 || hammers.Any(hammer => hammer.IsFaulted), "requests are refused");
        await stopping.CancelAsync();
        await Task.WhenAll(hammers);
    }

    [Fact]
    public async Task Auth_enabled_or_disabled_at_one_frontend_is_so_at_all()
    {
        await First.CallAsync("etcdserverpb.Auth/AuthDisable", token: First.Root);
        for (int i = 0; i < 10; i++)
        {
            foreach (AuthClient client in _clients)
            {
                (await client.PutAsync("a", null)).ShouldBe(AuthClient.Granted);
                (await client.RangeAsync("a", "", null)).ShouldBe(AuthClient.Granted);
            }

            await _clients[i % 3].CallAsync("etcdserverpb.Auth/AuthEnable");
            foreach (AuthClient client in _clients)
            {
                (await client.PutAsync("a", null)).ShouldBe(AuthClient.NoUser);
                (await client.RangeAsync("a", "", null)).ShouldBe(AuthClient.NoUser);
                (await client.OutcomeAsync("etcdserverpb.KV/Compact", """{"revision":"1"}""")).ShouldBe(AuthClient.NoUser);
                (await client.OutcomeAsync("etcdserverpb.Auth/UserAdd", """{"name":"x"}""")).ShouldBe(AuthClient.NoUser);
            }

            (await _clients[(i + 1) % 3].PutAsync("a", First.Root)).ShouldBe(AuthClient.BadToken, "a token from before auth was disabled");
            string root = await _clients[(i + 1) % 3].LoginAsync("root");
            await _clients[(i + 2) % 3].CallAsync("etcdserverpb.Auth/AuthDisable", token: root);
        }

        await First.CallAsync("etcdserverpb.Auth/AuthEnable"); // for the other tests
    }

    [Fact]
    public async Task Users_added_at_all_frontends_at_once_all_exist_and_the_revision_counts_them()
    {
        long before = await RevisionAsync();
        await Task.WhenAll(Enumerable.Range(0, 30).Select(i => _clients[i % 3].CallAsync(
            "etcdserverpb.Auth/UserAdd", $$$"""{"name":"u{{{i:00}}}","options":{"no_password":true}}""", First.Root)));

        (await _clients[1].CallAsync("etcdserverpb.Auth/UserList", token: First.Root))["users"]!.AsArray().Select(user => (string)user!)
            .Where(user => user[0] == 'u').ShouldBe([.. Enumerable.Range(0, 30).Select(i => $"u{i:00}")]);
        (await RevisionAsync()).ShouldBe(before + 30);
    }

    public async Task DisposeAsync()
    {
        foreach (AuthClient client in _clients)
        {
            await client.DisposeAsync();
        }
    }

    private async Task<long> RevisionAsync() =>
        long.Parse((string)(await First.CallAsync("etcdserverpb.Auth/AuthStatus", token: First.Root))["authRevision"]!, null);

    private Task ChangeAsync(string change) => change switch
    {
        "the permission is revoked" => First.RevokeAsync(_joe, "a", "b", First.Root),
        "the role is taken" => First.CallAsync(
            "etcdserverpb.Auth/UserRevokeRole", $$"""{"name":"{{_joe}}","role":"{{_joe}}"}""", First.Root),
        "the role is deleted" => First.CallAsync("etcdserverpb.Auth/RoleDelete", $$"""{"role":"{{_joe}}"}""", First.Root),
        "the user is deleted" => First.CallAsync("etcdserverpb.Auth/UserDelete", $$"""{"name":"{{_joe}}"}""", First.Root),
        _ => First.CallAsync("etcdserverpb.Auth/UserChangePassword", $$"""{"name":"{{_joe}}","password":"new"}""", First.Root),
    };
}
