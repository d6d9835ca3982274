using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Auth.AuthClient;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Users and their permissions, at one frontend.</summary>
public sealed class AuthTests(AuthTests.WithAuth one) : IClassFixture<AuthTests.WithAuth>, IAsyncLifetime
{
    private readonly string _joe = $"joe{Guid.NewGuid():N}";

    private AuthClient _client = null!;

    /// <summary>Ranges from a key of which only that key, or only a part, may be read.</summary>
    public static TheoryData<string, string> Beyond =>
        new() { { "k", "\0" }, { "k", "l" }, { "k", "k\0\0" }, { "j", "k\0" }, { "\0", "\0" }, { "k\0", "" } };

    public async Task InitializeAsync()
    {
        _client = AuthClient.To(one.Server);
        await _client.LoginRootAsync();
        await _client.AddUserAsync(_joe, _client.Root);
    }

    [Fact]
    [Trait("advisory", "CVE-2026-33413")]
    public async Task Without_credentials_no_method_of_any_service_does_anything()
    {
        (string, string)[] free = [("Auth", "Authenticate")];
        foreach (MethodDescriptor method in new[] { RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor }
            .SelectMany(file => file.Services).SelectMany(service => service.Methods))
        {
            if (free.Contains((method.Service.Name, method.Name)) || method.Name is "Watch" or "Snapshot" or "Observe")
            {
                continue; // the streams below
            }

            string request = SomeRequest(method);
            string rpc = $"{method.Service.FullName}/{method.Name}";
            (await _client.OutcomeAsync(rpc, request)).ShouldBe(NoUser, rpc);
            (await _client.OutcomeAsync(rpc, request, "nonsense.1")).ShouldBe(BadToken, rpc);
        }
    }

    [Theory]
    [MemberData(nameof(Beyond))]
    [Trait("advisory", "GHSA-xg4h-6gfc-h4m8")]
    public async Task A_user_with_one_key_cannot_watch_or_read_beyond_it(string key, string end)
    {
        await _client.GrantAsync(_joe, "READ", "k", "", _client.Root);
        string token = await _client.LoginAsync(_joe);

        (await WatchAsync(key, end, token)).ShouldBe($"rpc error: code = PermissionDenied desc = {Denied}");
        (await _client.RangeAsync(key, end, token)).ShouldBe(Denied);
        (await _client.RangeAsync(key, end, token, ",\"serializable\":true")).ShouldBe(Denied);
        (await _client.OutcomeAsync("etcdserverpb.KV/RangeStream", $"{{{Keys(key, end)}}}", token)).ShouldBe(Denied);

        (await WatchAsync("k", "", token)).ShouldBe("");
        (await _client.RangeAsync("k", "", token)).ShouldBe(Granted);
    }

    [Fact]
    public async Task A_stream_without_credentials_is_refused_with_etcds_error()
    {
        foreach (string rpc in (string[])["etcdserverpb.Maintenance/Snapshot", "v3electionpb.Election/Observe"])
        {
            foreach ((string? token, string words) in new[] { (null, NoUser), ("nonsense.1", BadToken) })
            {
                using GrpcRawCall call = _client.Channel.StartRaw(rpc, "\n\u0001a"u8.ToArray(), Headers(token));
                (await Should.ThrowAsync<RpcException>(() => call.MoveNextAsync())).Status.Detail.ShouldBe(words, rpc);
            }
        }

        (await WatchAsync("k", "", null)).ShouldBe($"rpc error: code = InvalidArgument desc = {NoUser}");
        (await WatchAsync("k", "", "nonsense.1")).ShouldBe($"rpc error: code = Unauthenticated desc = {BadToken}");
    }

    [Fact]
    [Trait("advisory", "CVE-2026-33343")]
    [Trait("issue", "etcd PR 21681, 21685")]
    public async Task A_request_that_is_refused_alone_is_refused_in_a_transaction_too()
    {
        await _client.CallAsync("etcdserverpb.KV/Put", $"{{{Keys("secret")},\"value\":\"eA==\"}}", _client.Root);
        await _client.CallAsync("etcdserverpb.Lease/LeaseGrant", """{"TTL":"100","ID":"7"}""", _client.Root);
        await _client.CallAsync("etcdserverpb.KV/Put", $"{{{Keys("leased")},\"lease\":\"7\"}}", _client.Root);
        await _client.GrantAsync(_joe, "WRITE", "secret", "", _client.Root);
        await _client.GrantAsync(_joe, "READWRITE", "k", "", _client.Root);
        string token = await _client.LoginAsync(_joe);
        string[] forbidden =
        [
            $"{{\"request_range\":{{{Keys("secret")}}}}}",
            $"{{\"request_put\":{{{Keys("secret")},\"prev_kv\":true}}}}",
            $"{{\"request_put\":{{{Keys("k")},\"lease\":\"7\"}}}}",
            $"{{\"request_delete_range\":{{{Keys("secret")},\"prev_kv\":true}}}}",
            $"{{\"request_delete_range\":{{{Keys("k", "l")}}}}}",
            $"{{\"request_txn\":{{\"compare\":[{{{Keys("secret")}}}]}}}}",
        ];
        foreach (string operation in forbidden)
        {
            foreach (string txn in (string[])[$"{{\"success\":[{operation}]}}", $"{{\"failure\":[{operation}]}}"])
            {
                (await _client.OutcomeAsync("etcdserverpb.KV/Txn", txn, token)).ShouldBe(Denied, txn);
                string nested = $"{{\"success\":[{{\"request_txn\":{{\"failure\":[{{\"request_txn\":{txn}}}]}}}}]}}";
                (await _client.OutcomeAsync("etcdserverpb.KV/Txn", nested, token)).ShouldBe(Denied, nested);
            }
        }

        (await _client.OutcomeAsync("etcdserverpb.KV/Txn", $"{{\"success\":[{{\"request_put\":{{{Keys("k")}}}}}]}}", token))
            .ShouldBe(Granted);
        (await Sql.ExecuteAsync(one.Database, $"select count(*) from pgetcd.revisions where username = '{_joe}'")).ShouldBe(1L);
    }

    [Fact]
    public async Task The_log_and_the_audit_name_the_user_of_a_change()
    {
        await _client.GrantAsync(_joe, "WRITE", _joe, "", _client.Root);
        string token = await _client.LoginAsync(_joe);
        await _client.PutAsync(_joe, token);
        await _client.OutcomeAsync("etcdserverpb.Auth/Authenticate", $$"""{"name":"{{_joe}}","password":"wrong"}""");

        (await Sql.ExecuteAsync(one.Database, $"select username from pgetcd.revisions where key = '{_joe}'")).ShouldBe(_joe);
        (await Sql.ExecuteAsync(one.Database, $"""
            select string_agg(concat_ws('|', action, username, subject), ', ' order by id) from pgetcd.auth_audit
            where username = 'root' and subject like '%{_joe}%'
            """)).ShouldBe(
            $"UserAdd|root|user {_joe}, RoleAdd|root|role {_joe}, UserGrantRole|root|user {_joe}, role {_joe}, "
            + $"RoleGrantPermission|root|role {_joe}, Write \"{_joe}\"");
        string audited = "select count(*) from pgetcd.auth_audit "
            + $"where action = 'LoginFailed' and username = '{_joe}' and client like 'ipv4:127.0.0.1:%'";
        await Eventually.TrueAsync(
            async () => Equals(await Sql.ExecuteAsync(one.Database, audited), 1L), "the failed login is written down");
    }

    [Fact]
    public async Task A_token_stays_valid_while_it_is_used_and_no_longer()
    {
        await _client.GrantAsync(_joe, "READ", "k", "", _client.Root);
        await using PgEtcdServer another = await PgEtcdServer.StartAsync(one.Database, name: "another");
        await using AuthClient there = new(another);
        string idle = await _client.LoginAsync(_joe);
        string used = await _client.LoginAsync(_joe);
        for (int i = 0; i < 40; i++)
        {
            (await _client.RangeAsync("k", "", used)).ShouldBe(Granted);
            await Task.Delay(100);
        }

        (await _client.RangeAsync("k", "", idle)).ShouldBe(BadToken);
        (await there.RangeAsync("k", "", used)).ShouldBe(Granted);
        (await there.RangeAsync("k", "", idle)).ShouldBe(BadToken);
    }

    [Fact]
    public async Task A_token_is_accepted_in_token_or_authorization_without_Bearer()
    {
        foreach ((string key, string value) in ((string, string)[])[
            ("token", _client.Root), ("token", $"Bearer {_client.Root}"), ("authorization", _client.Root),
            ("authorization", $"Bearer {_client.Root}")])
        {
            RpcAnswer answer = await new RpcClient(_client.Channel).CallAsync(
                "etcdserverpb.Auth/UserList", "{}", new Metadata { { key, value } });
            answer.Error.ShouldBeNull($"{key}: {value}");
        }
    }

    [Fact]
    public async Task Guessing_slows_down_logins_of_the_guessed_user_only()
    {
        string[] outcomes = await Task.WhenAll(Enumerable.Range(0, 60).Select(i =>
            _client.OutcomeAsync("etcdserverpb.Auth/Authenticate", $$"""{"name":"{{_joe}}","password":"guess{{i}}"}""")));
        outcomes.ShouldBeSubsetOf(["etcdserver: authentication failed, invalid user ID or password", "etcdserver: too many requests"]);
        // Thirty at once, then one a second, however many come at the same time.
        outcomes.Count(outcome => outcome == "etcdserver: too many requests").ShouldBeGreaterThan(20);
        (await _client.OutcomeAsync("etcdserverpb.Auth/Authenticate", """{"name":"root","password":"root"}""")).ShouldBe(Granted);
        await Eventually.TrueAsync(
            async () => await _client
                .OutcomeAsync("etcdserverpb.Auth/Authenticate", $$"""{"name":"{{_joe}}","password":"{{_joe}}"}""") == Granted,
            "the right password is listened to again");
    }

    /// <summary>Fault C12: as in the transcripts of 3.6.14, the reported version; 3.7 requires no credentials.</summary>
    [Fact]
    public async Task AuthStatus_is_for_root()
    {
        JsonObject status = await _client.CallAsync("etcdserverpb.Auth/AuthStatus", token: _client.Root);
        ((bool)status["enabled"]!).ShouldBeTrue();
        (await _client.OutcomeAsync("etcdserverpb.Auth/AuthStatus")).ShouldBe(NoUser);
        (await _client.OutcomeAsync("etcdserverpb.Auth/AuthStatus", token: await _client.LoginAsync(_joe))).ShouldBe(Denied);
        (await _client.OutcomeAsync("etcdserverpb.Auth/AuthStatus", token: "nonsense.1")).ShouldBe(BadToken);
    }

    /// <summary>Fault C13: the range and the revision of a watch are checked in etcd's order, a negative start even before the
    /// caller.</summary>
    [Fact]
    public async Task A_negative_start_is_refused_as_compacted_whatever_the_user_and_range()
    {
        foreach (string? token in (string?[])[null, "nonsense.1", await _client.LoginAsync(_joe), _client.Root])
        {
            (await WatchAsync("k", "k", token, start: -2)).ShouldBe("etcdserver: mvcc: required revision has been compacted");
        }

        (await WatchAsync("k", "k", _client.Root, start: 1)).ShouldBe("mvcc: watcher range is empty");
    }

    [Fact]
    public async Task A_name_that_PostgreSQL_cannot_hold_is_refused()
    {
        (await _client.OutcomeAsync("etcdserverpb.Auth/UserAdd", """{"name":"a\u0000b"}""", _client.Root)).ShouldBe(
            "pgetcd: a name cannot contain a null character");
        (await _client.OutcomeAsync("etcdserverpb.Auth/UserGet", """{"name":"a\u0000b"}""", _client.Root)).ShouldBe(
            "etcdserver: user name not found");
        (await _client.OutcomeAsync("etcdserverpb.Auth/Authenticate", """{"name":"a\u0000b"}""")).ShouldBe(
            "etcdserver: authentication failed, invalid user ID or password");
    }

    public async Task DisposeAsync() => await _client.DisposeAsync();

    /// <summary>Why a watch was refused; empty if it was not.</summary>
    private async Task<string> WatchAsync(string key, string end, string? token, long start = 0)
    {
        await using GrpcDuplexCall<WatchRequest, WatchResponse> call = _client.Channel.Duplex<WatchRequest, WatchResponse>(
            "etcdserverpb.Watch/Watch", Headers(token), TimeSpan.FromSeconds(20));
        await call.WriteAsync(new WatchRequest
        {
            CreateRequest = new WatchCreateRequest { Key = Kv.Bytes(key), RangeEnd = Kv.Bytes(end), StartRevision = start },
        });
        WatchResponse response = await call.ReadAsync();
        response.Created.ShouldBeTrue();
        response.Canceled.ShouldBe(response.CancelReason.Length > 0);
        return response.CancelReason;
    }

    /// <summary>A server with short-lived tokens and auth on; each test has its own user.</summary>
    public sealed class WithAuth() : OneServer(["--bcrypt-cost", "4", "--auth-token-ttl", "2"])
    {
        protected override async Task PrepareAsync()
        {
            await using AuthClient client = new(Server);
            await client.EnableAsync();
        }
    }
}
