using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Rpc;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Calls in the name of users, over one connection. Requests are JSON, keys in it plain text.</summary>
internal sealed class AuthClient(IEtcdServer server) : IAsyncDisposable
{
    public const string Granted = "OK";
    public const string Denied = "etcdserver: permission denied";
    public const string NoUser = "etcdserver: user name is empty";
    public const string BadToken = "etcdserver: invalid auth token";
    public const string OldRevision = "etcdserver: revision of auth store is old";

    private readonly GrpcChannel _channel = new(server.ClientUrl, singleConnection: true);

    public GrpcChannel Channel => _channel;

    /// <summary>The token of root after <see cref="EnableAsync"/> or <see cref="LoginRootAsync"/>.</summary>
    public string Root { get; private set; } = "";

    /// <summary>For test classes that keep one and dispose of it asynchronously.</summary>
    public static AuthClient To(IEtcdServer server) => new(server);

    public static string Base64(string text) => Convert.ToBase64String(Encoding.Latin1.GetBytes(text));

    public static Metadata? Headers(string? token) => token is null ? null : new Metadata { { "token", token } };

    /// <summary>A request that is refused only because of the caller.</summary>
    public static string SomeRequest(MethodDescriptor method) => method.Name switch
    {
        "Range" or "RangeStream" or "Put" or "DeleteRange" or "Unlock" => """{"key":"YQ=="}""",
        "Txn" => """{"success":[{"request_range":{"key":"YQ=="}}]}""",
        "Watch" => """{"create_request":{"key":"YQ=="}}""",
        "Lock" or "Campaign" or "Leader" or "Observe" => """{"name":"YQ=="}""",
        "Proclaim" or "Resign" => """{"leader":{"name":"YQ==","key":"YQ==","rev":"1","lease":"1"}}""",
        _ => "{}",
    };

    /// <summary>The answer to a call.</summary>
    public Task<RpcAnswer> AskAsync(string rpc, string request = "{}", string? token = null) =>
        new RpcClient(_channel).CallAsync(rpc, request, Headers(token));

    /// <summary>OK, or the text of the error.</summary>
    public async Task<string> OutcomeAsync(string rpc, string request = "{}", string? token = null) =>
        (await AskAsync(rpc, request, token)).Error?.Detail ?? Granted;

    /// <summary>A call that must succeed.</summary>
    public async Task<JsonObject> CallAsync(string rpc, string request = "{}", string? token = null)
    {
        RpcAnswer answer = await AskAsync(rpc, request, token);
        answer.Error.ShouldBeNull($"{rpc} {request}");
        return answer.Response!;
    }

    public async Task<string> LoginAsync(string user, string? password = null)
    {
        RpcAnswer answer = await AskAsync("etcdserverpb.Auth/Authenticate", $$"""{"name":"{{user}}","password":"{{password ?? user}}"}""");
        answer.Error.ShouldBeNull();
        return (string)Json.Parse(answer.Raw!)["token"]!;
    }

    /// <summary>Adds root and switches auth on.</summary>
    public async Task EnableAsync()
    {
        await AddUserAsync("root", null, "root");
        await CallAsync("etcdserverpb.Auth/AuthEnable");
        await LoginRootAsync();
    }

    /// <summary>Logs root in anew, as the last token has ended or is another client's.</summary>
    public async Task LoginRootAsync() => Root = await LoginAsync("root");

    /// <summary>Adds a user whose password is the name.</summary>
    public async Task AddUserAsync(string name, string? token, params string[] roles)
    {
        await CallAsync("etcdserverpb.Auth/UserAdd", $$"""{"name":"{{name}}","password":"{{name}}"}""", token);
        foreach (string role in roles)
        {
            await CallAsync("etcdserverpb.Auth/UserGrantRole", $$"""{"user":"{{name}}","role":"{{role}}"}""", token);
        }
    }

    /// <summary>Gives the user a role of its own with this permission.</summary>
    public async Task GrantAsync(string user, string kind, string key, string end, string? token)
    {
        if (await OutcomeAsync("etcdserverpb.Auth/RoleAdd", $$"""{"name":"{{user}}"}""", token) == Granted)
        {
            await CallAsync("etcdserverpb.Auth/UserGrantRole", $$"""{"user":"{{user}}","role":"{{user}}"}""", token);
        }

        string permission = $"{{\"permType\":\"{kind}\",{Keys(key, end)}}}";
        await CallAsync("etcdserverpb.Auth/RoleGrantPermission", $"{{\"name\":\"{user}\",\"perm\":{permission}}}", token);
    }

    public Task RevokeAsync(string role, string key, string end, string? token) =>
        CallAsync("etcdserverpb.Auth/RoleRevokePermission", $"{{\"role\":\"{role}\",{Keys(key, end)}}}", token);

    public Task<string> PutAsync(string key, string? token, string more = "") =>
        OutcomeAsync("etcdserverpb.KV/Put", $"{{{Keys(key)}{more}}}", token);

    public Task<string> RangeAsync(string key, string end, string? token, string more = "") =>
        OutcomeAsync("etcdserverpb.KV/Range", $"{{{Keys(key, end)}{more}}}", token);

    public static string Keys(string key, string end = "") =>
        $"\"key\":\"{Base64(key)}\"" + (end.Length == 0 ? "" : $",\"range_end\":\"{Base64(end)}\"");

    public ValueTask DisposeAsync() => _channel.DisposeAsync();
}
