using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Gateway.GatewayServer;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>The same routes over WebSockets, as pages in browsers use them.</summary>
public sealed class WebSocketTests(OneGateway one) : IClassFixture<OneGateway>
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly GatewayServer _server = one.Gateway;

    [Fact]
    public async Task A_watch_stream_takes_all_its_requests()
    {
        using ClientWebSocket socket = await OpenAsync("/v3/watch");
        await SendAsync(socket, $$$"""{"create_request":{"key":"{{{Base64("a")}}}","watch_id":7}}""");
        JsonObject created = (await ReceiveAsync(socket))["result"]!.AsObject();
        ((bool?)created["created"], (string?)created["watch_id"]).ShouldBe((true, "7"));
        await SendAsync(socket, $$$"""{"create_request":{"key":"{{{Base64("b")}}}"}}""");
        ((bool?)(await ReceiveAsync(socket))["result"]!["created"]).ShouldBe(true);

        await _server.PutAsync("b", "1");
        await _server.PutAsync("a", "2");
        JsonObject first = (await ReceiveAsync(socket))["result"]!.AsObject();
        ((string?)first["events"]![0]!["kv"]!["key"], first.ContainsKey("watch_id")).ShouldBe((Base64("b"), false));
        ((string?)(await ReceiveAsync(socket))["result"]!["watch_id"]).ShouldBe("7");

        await SendAsync(socket, """{"cancel_request":{"watch_id":7}}""");
        ((bool?)(await ReceiveAsync(socket))["result"]!["canceled"]).ShouldBe(true);
        await SendAsync(socket, """{"progress_request":{}}""");
        ((string?)(await ReceiveAsync(socket))["result"]!["watch_id"]).ShouldBe("-1");
        await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Limit);
    }

    [Fact]
    public async Task A_client_that_closes_in_the_middle_of_a_stream_gets_a_close_frame()
    {
        for (int i = 0; i < 100; i++)
        {
            using ClientWebSocket socket = await OpenAsync("/v3/watch");
            await SendAsync(socket, $$$"""{"create_request":{"key":"{{{Base64("a")}}}"}}""");
            await ReceiveAsync(socket);
            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Limit);
            socket.CloseStatus.ShouldBe(WebSocketCloseStatus.NormalClosure);
        }
    }

    [Fact]
    public async Task A_single_request_is_answered_and_the_socket_closed()
    {
        using ClientWebSocket socket = await OpenAsync("/v3/kv/put");
        await SendAsync(socket, """{"key":"YQ==","value":"Yg=="}""");
        string revision = (string)(await ReceiveAsync(socket))["header"]!["revision"]!;
        await ClosesAsync(socket);
        JsonObject read = await _server.DoAsync("/v3/kv/range", """{"key":"YQ=="}""");
        ((string?)read["kvs"]![0]!["value"], (string?)read["kvs"]![0]!["mod_revision"]).ShouldBe(("Yg==", revision));
    }

    [Fact]
    public async Task A_request_may_come_in_pieces_and_several_in_one_message()
    {
        using ClientWebSocket socket = await OpenAsync("/v3/lease/keepalive");
        await socket.SendAsync("""{"ID":"""u8.ToArray(), WebSocketMessageType.Text, endOfMessage: false, CancellationToken.None);
        await socket.SendAsync("""1}{"ID":2}"""u8.ToArray(), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None);
        ((string?)(await ReceiveAsync(socket))["result"]!["ID"]).ShouldBe("1");
        ((string?)(await ReceiveAsync(socket))["result"]!["ID"]).ShouldBe("2");
    }

    [Theory]
    [InlineData("/v3/kv/range", "{}", 3)]
    [InlineData("/v3/kv/range", "hello", 3)]
    [InlineData("/v3/lease/revoke", """{"ID":1}""", 5)]
    public async Task An_error_is_sent_before_the_socket_closes(string path, string request, int code)
    {
        using ClientWebSocket socket = await OpenAsync(path);
        await SendAsync(socket, request);
        ((int?)(await ReceiveAsync(socket))["code"]).ShouldBe(code);
        await ClosesAsync(socket);
    }

    [Fact]
    public async Task A_page_may_send_its_token_as_a_subprotocol()
    {
        using ClientWebSocket socket = await OpenAsync("/v3/kv/range", "Bearer", "some.token");
        socket.SubProtocol.ShouldBe("Bearer");
        await SendAsync(socket, """{"key":"YQ=="}""");
        (await ReceiveAsync(socket))["header"].ShouldNotBeNull();
    }

    [Fact]
    public async Task An_unknown_path_opens_no_socket() =>
        (await Should.ThrowAsync<WebSocketException>(() => OpenAsync("/v3/nothing"))).Message.ShouldContain("404");

    [Fact]
    public async Task A_large_value_passes_in_both_directions()
    {
        string value = new('v', 1_000_000);
        using ClientWebSocket put = await OpenAsync("/v3/kv/put");
        await SendAsync(put, $$"""{"key":"YQ==","value":"{{Base64(value)}}"}""");
        (await ReceiveAsync(put))["header"].ShouldNotBeNull();
        using ClientWebSocket range = await OpenAsync("/v3/kv/range");
        await SendAsync(range, """{"key":"YQ=="}""");
        ((string?)(await ReceiveAsync(range))["kvs"]![0]!["value"]).ShouldBe(Base64(value));
    }

    private static async Task SendAsync(ClientWebSocket socket, string text) =>
        await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, endOfMessage: true, CancellationToken.None)
            .WaitAsync(Limit);

    private static async Task<JsonObject> ReceiveAsync(ClientWebSocket socket)
    {
        using MemoryStream message = new();
        byte[] buffer = new byte[64 * 1024];
        while (true)
        {
            WebSocketReceiveResult received = await socket.ReceiveAsync(buffer, CancellationToken.None).WaitAsync(Limit);
            received.MessageType.ShouldBe(WebSocketMessageType.Text);
            message.Write(buffer, 0, received.Count);
            if (received.EndOfMessage)
            {
                return Json.Parse(Encoding.UTF8.GetString(message.ToArray()));
            }
        }
    }

    private static async Task ClosesAsync(ClientWebSocket socket)
    {
        WebSocketReceiveResult received = await socket.ReceiveAsync(new byte[1], CancellationToken.None).WaitAsync(Limit);
        (received.MessageType, received.CloseStatus).ShouldBe((WebSocketMessageType.Close, WebSocketCloseStatus.NormalClosure));
        await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None).WaitAsync(Limit);
    }

    private async Task<ClientWebSocket> OpenAsync(string path, params string[] protocols)
    {
        ClientWebSocket socket = new();
        Array.ForEach(protocols, socket.Options.AddSubProtocol);
        await socket.ConnectAsync(new Uri($"ws://{_server.Authority}{path}"), CancellationToken.None).WaitAsync(Limit);
        return socket;
    }
}
