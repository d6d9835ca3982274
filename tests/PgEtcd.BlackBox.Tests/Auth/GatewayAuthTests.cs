using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using Google.Protobuf.Reflection;
using PgEtcd.BlackBox.Tests.Gateway;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Auth;

/// <summary>Auth applies to the gateway too, in JSON over HTTP and over WebSockets.</summary>
public sealed class GatewayAuthTests(GatewayAuthTests.WithAuth one) : IClassFixture<GatewayAuthTests.WithAuth>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly GatewayServer _server = one.Gateway;
    private readonly AuthClient _client = AuthClient.To(one.Server);

    [Fact]
    [Trait("advisory", "CVE-2026-33413")]
    public async Task Without_credentials_no_route_does_anything()
    {
        string[] free = ["Authenticate"];
        int refused = 0;
        foreach (MethodDescriptor method in RpcCatalogue.All.Where(method => method.Service.FullName.Contains(
            "pb.", StringComparison.Ordinal)
            && GatewayClient.HasPath(method) && !free.Contains(method.Name)))
        {
            string request = AuthClient.SomeRequest(method);
            (await AnswerAsync(GatewayClient.Path(method), request, null)).ShouldContain(AuthClient.NoUser, customMessage: method.FullName);
            (await AnswerAsync(GatewayClient.Path(method), request, "nonsense.1")).ShouldContain(
                AuthClient.BadToken, customMessage: method.FullName);
            refused++;
        }

        refused.ShouldBeGreaterThan(40);
    }

    [Fact]
    public async Task A_logged_in_user_has_the_permissions_of_its_roles()
    {
        JsonObject login = await _server.DoAsync("/v3/auth/authenticate", """{"name":"joe","password":"joe"}""");
        string token = (string)login["token"]!;
        (await AnswerAsync("/v3/kv/range", """{"key":"YQ=="}""", token)).ShouldContain("\"header\"");
        (await AnswerAsync("/v3/kv/range", """{"key":"Yg=="}""", token)).ShouldContain(AuthClient.Denied);
        (await AnswerAsync("/v3/kv/put", """{"key":"YQ=="}""", token)).ShouldContain(AuthClient.Denied);
        (await AnswerAsync("/v3/watch", """{"create_request":{"key":"YQ==","range_end":"Yw=="}}""", token))
            .ShouldContain(AuthClient.Denied);
    }

    [Fact]
    public async Task A_page_in_a_browser_sends_its_token_as_a_subprotocol()
    {
        string token = await _client.LoginAsync("joe");
        (await OverSocketAsync("""{"key":"YQ=="}""", "Bearer", token)).ContainsKey("header").ShouldBeTrue();
        ((string?)(await OverSocketAsync("""{"key":"Yg=="}""", "Bearer", token))["message"]).ShouldBe(AuthClient.Denied);
        ((string?)(await OverSocketAsync("""{"key":"YQ=="}""", "Bearer", "nonsense.1"))["message"]).ShouldBe(AuthClient.BadToken);
        ((string?)(await OverSocketAsync("""{"key":"YQ=="}"""))["message"]).ShouldBe(AuthClient.NoUser);
    }

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync() => await _client.DisposeAsync();

    /// <summary>The first line of the answer.</summary>
    private async Task<string> AnswerAsync(string path, string body, string? token)
    {
        using HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(body) };
        if (token is not null)
        {
            request.Headers.TryAddWithoutValidation("Authorization", token);
        }

        using HttpResponseMessage response = await _server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        using StreamReader reader = new(await response.Content.ReadAsStreamAsync());
        return await reader.ReadLineAsync().WaitAsync(Limit) ?? $"{(int)response.StatusCode}";
    }

    private async Task<JsonObject> OverSocketAsync(string request, params string[] protocols)
    {
        using ClientWebSocket socket = new();
        Array.ForEach(protocols, socket.Options.AddSubProtocol);
        await socket.ConnectAsync(new Uri($"ws://{_server.Authority}/v3/kv/range"), CancellationToken.None).WaitAsync(Limit);
        await socket.SendAsync(Encoding.UTF8.GetBytes(request), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        byte[] answer = new byte[8192];
        WebSocketReceiveResult received = await socket.ReceiveAsync(answer, CancellationToken.None).WaitAsync(Limit);
        return Json.Parse(Encoding.UTF8.GetString(answer, 0, received.Count));
    }

    /// <summary>A server where joe may read one key.</summary>
    public sealed class WithAuth() : OneGateway(["--bcrypt-cost", "4"])
    {
        protected override async Task PrepareAsync()
        {
            await base.PrepareAsync();
            await using AuthClient client = new(Server);
            await client.EnableAsync();
            await client.AddUserAsync("joe", client.Root);
            await client.GrantAsync("joe", "READ", "a", "", client.Root);
        }
    }
}
