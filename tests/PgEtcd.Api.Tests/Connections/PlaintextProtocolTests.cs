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
        (await server.Channel.UnaryAsync<EchoMessage, EchoMessage>("pgetcd.test.v1.Echo/Unary", new EchoMessage { Text = "x" })).Text
            .ShouldBe("x");
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
        // It begins with the first letters of HTTP/2's preface.
        foreach (byte b in "P"u8.ToArray().Concat(
            "UT /version HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray()))
        {
            await client.GetStream().WriteAsync(new[] { b });
        }

        (await ReadAll(client.GetStream())).ShouldStartWith("HTTP/1.1 405");
    }

    /// <summary>Fault C23. Repeated, because the end of the input may overtake the input inside the server.</summary>
    [Fact]
    public async Task A_half_closed_client_is_answered()
    {
        await using EchoServer server = await EchoServer.StartAsync();
        for (int i = 0; i < 50; i++)
        {
            using TcpClient client = await Connect(server);
            NetworkStream stream = client.GetStream();
            await stream.WriteAsync("GET /version HTTP/1.1\r\nHost: x\r\n\r\n"u8.ToArray());
            client.Client.Shutdown(SocketShutdown.Send);
            (await ReadAll(stream)).ShouldStartWith("HTTP/1.1 200");
        }
    }

    [Theory]
    [InlineData("")]
    [InlineData("PRI * HTT")]
    public async Task A_client_that_never_reveals_its_protocol_is_disconnected_and_blocks_no_other(string start)
    {
        await using EchoServer server = await EchoServer.StartAsync(prefaceTimeout: TimeSpan.FromMilliseconds(300));
        using TcpClient silent = await Connect(server);
        await silent.GetStream().WriteAsync(Encoding.ASCII.GetBytes(start));
        (await server.Channel.UnaryAsync<EchoMessage, EchoMessage>("pgetcd.test.v1.Echo/Unary", new EchoMessage { Text = "x" })).Text
            .ShouldBe("x");
        (await ReadAll(silent.GetStream())).ShouldBeEmpty();
    }

    private static async Task<TcpClient> Connect(EchoServer server)
    {
        TcpClient client = new();
        await client.ConnectAsync(IPAddress.Loopback, server.Address.Port);
        return client;
    }

    private static async Task<string> ReadAll(Stream stream)
    {
        using StreamReader reader = new(stream);
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
        using HttpRequestMessage request =
            new(HttpMethod.Get, "version") { Version = version, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await http.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }
}
