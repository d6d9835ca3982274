using System.Net;
using System.Net.Sockets;
using System.Text;
using PgEtcd.Api.Tests.Calls;
using PgEtcd.Api.Tests.Protos;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Connections;

/// <summary>HTTP/1.1 and HTTP/2 without TLS on one port.</summary>
public sealed class PlaintextProtocolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Both_protocols_are_served_on_one_port()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using HttpClient http = new() { BaseAddress = server.Address };
        (await Get(http, HttpVersion.Version11)).ShouldBe("plain HTTP/1.1");
        (await Get(http, HttpVersion.Version20)).ShouldBe("plain HTTP/2");
        (await server.Channel.UnaryAsync<EchoMessage, EchoMessage>("pgetcd.test.v1.Echo/Unary", new EchoMessage { Text = "x" })).Text.ShouldBe("x");
    }

    [Fact]
    public async Task A_grpc_call_over_http1_is_told_to_upgrade()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using HttpClient http = new() { BaseAddress = server.Address };
        using ByteArrayContent content = new([0, 0, 0, 0, 0]);
        content.Headers.ContentType = new("application/grpc");
        using HttpResponseMessage response = await http.PostAsync(new Uri("pgetcd.test.v1.Echo/Unary", UriKind.Relative), content);
        response.StatusCode.ShouldBe(HttpStatusCode.UpgradeRequired);
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_served()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        using TcpClient client = await Connect(server);
        client.NoDelay = true;
        // The first letters are those of HTTP/2's preface.
        foreach (byte b in "P"u8.ToArray().Concat("UT /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray()))
        {
            await client.GetStream().WriteAsync(new[] { b });
        }

        (await ReadAll(client)).ShouldStartWith("HTTP/1.1 405");
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRI * HTT")]
    public async Task A_client_that_never_says_what_it_speaks_is_let_go_and_holds_nobody_up(string start)
    {
        await using EchoServer server = await EchoServer.StartAsync(prefaceTimeout: TimeSpan.FromMilliseconds(300));
        using TcpClient silent = await Connect(server);
        await silent.GetStream().WriteAsync(Encoding.ASCII.GetBytes(start));
        (await server.Channel.UnaryAsync<EchoMessage, EchoMessage>("pgetcd.test.v1.Echo/Unary", new EchoMessage { Text = "x" })).Text.ShouldBe("x");
        (await ReadAll(silent)).ShouldBeEmpty();
    }

    private static async Task<TcpClient> Connect(EchoServer server)
    {
        TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port);
        return client;
    }

    private static async Task<string> ReadAll(TcpClient client)
    {
        using StreamReader reader = new(client.GetStream());
        try
        {
            return await reader.ReadToEndAsync().WaitAsync(Patience);
        }
        catch (IOException)
        {
            return "";
        }
    }

    private static async Task<string> Get(HttpClient http, Version version)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, "version") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await http.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }
}
