using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Server.Proxies;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Proxies;

/// <summary>Connections of proxies, on a real port (fault A6).</summary>
public sealed class ProxyProtocolTests
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);
    private static readonly byte[] Request = "GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"u8.ToArray();
    private static readonly byte[] Header = ProxyHeaderTests.Binary(0x21, 0x11, [192, 0, 2, 7, 192, 0, 2, 1, 0xc7, 0x38, 0x09, 0x4b]);

    private readonly Lines _log = new();

    [Fact]
    public async Task The_client_address_is_that_of_the_header()
    {
        (await AskAsync([.. Header, .. Request])).ShouldContain("\r\nipv4:192.0.2.7:51000");
        (await AskAsync([
            .. "PROXY TCP6 2001:db8::7 2001:db8::1 51000 2379\r\n"u8, .. Request])).ShouldContain("\r\nipv6:[2001:db8::7]:51000");
        (await AskAsync([.. ProxyHeaderTests.Binary(0x21, 0x31, new byte[216]), .. Request])).ShouldContain("\r\nunix:\r\n");
        (await AskAsync([.. ProxyHeaderTests.Binary(0x20, 0, []), .. Request])).ShouldContain("\r\nipv4:127.0.0.1:");
        _log.ShouldBeEmpty();
    }

    [Fact]
    public async Task The_header_may_arrive_byte_by_byte() =>
        (await AskAsync([.. Header, .. Request], atOnce: 1)).ShouldContain("\r\nipv4:192.0.2.7:51000");

    [Fact]
    public async Task Behind_a_trusted_proxy_a_connection_without_a_header_is_closed()
    {
        (await AskAsync(Request)).ShouldBe("");
        Refused().ShouldBe("the first bytes are not a PROXY header");
    }

    [Fact]
    public async Task An_incomplete_header_is_refused_and_an_empty_connection_is_not_logged()
    {
        (await AskAsync([])).ShouldBe("");
        _log.ShouldBeEmpty();
        (await AskAsync(Header[..20])).ShouldBe("");
        Refused().ShouldBe("the connection ended within its PROXY header");
    }

    [Fact]
    public async Task A_missing_header_times_out()
    {
        (await AskAsync(Header[..20], limit: TimeSpan.FromMilliseconds(100), staysOpen: true)).ShouldBe("");
        Refused().ShouldBe("no PROXY header in 0.1 s");
    }

    [Fact]
    public async Task No_header_is_read_from_other_addresses()
    {
        (await AskAsync(Request, trusted: "10.0.0.0/8")).ShouldContain("\r\nipv4:127.0.0.1:");
        (await AskAsync([.. Header, .. Request], trusted: "10.0.0.0/8")).ShouldNotContain("192.0.2.7");
        _log.ShouldBeEmpty();
    }

    [Fact]
    public void An_IPv4_address_on_a_socket_for_both_families_is_in_its_network()
    {
        TrustedProxies proxies = new([IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("fd00::/8")], UnixSockets: false);
        proxies.Contain(new IPEndPoint(IPAddress.Parse("::ffff:10.1.2.3"), 1)).ShouldBeTrue();
        proxies.Contain(new IPEndPoint(IPAddress.Parse("fd12::1"), 1)).ShouldBeTrue();
        proxies.Contain(new IPEndPoint(IPAddress.Parse("11.1.2.3"), 1)).ShouldBeFalse();
        proxies.Contain(null).ShouldBeFalse();
        (proxies with { UnixSockets = true }).Contain(new UnixDomainSocketEndPoint("/a")).ShouldBeTrue();
    }

    private string Refused()
    {
        string line = _log.ShouldHaveSingleItem();
        line.ShouldStartWith("Warning rejected connection from 127.0.0.1:");
        return line[(line.IndexOf(": ", StringComparison.Ordinal) + 2)..];
    }

    /// <summary>Sends bytes to a server that answers with the peer's address, and reads until the connection ends.</summary>
    private async Task<string> AskAsync(
        byte[] bytes, int atOnce = int.MaxValue, string trusted = "127.0.0.0/8", TimeSpan? limit = null, bool staysOpen = false)
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen => listen
            .UseProxyProtocol(new TrustedProxies([IPNetwork.Parse(trusted)], UnixSockets: false), _log, limit)
            .UseHttp1AndHttp2WithoutTls()));
        await using WebApplication app = builder.Build();
        app.MapGet("/", (HttpContext context) => RequestMetadata.Peer(context.Connection));
        await app.StartAsync();
        Uri address = new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        using TcpClient client = new() { NoDelay = true };
        await client.ConnectAsync(address.Host, address.Port);
        NetworkStream stream = client.GetStream();
        foreach (byte[] piece in bytes.Chunk(atOnce))
        {
            await stream.WriteAsync(piece);
        }

        if (!staysOpen && bytes.Length < Request.Length)
        {
            client.Client.Shutdown(SocketShutdown.Send);
        }

        using CancellationTokenSource patience = new(Patience);
        using MemoryStream answer = new();
        try
        {
            await stream.CopyToAsync(answer, patience.Token);
        }
        catch (IOException)
        {
            // Reset, because bytes from the client were unread.
        }

        return Encoding.ASCII.GetString(answer.ToArray());
    }

    private sealed class Lines : List<string>, ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            Add($"{logLevel} {formatter(state, exception)}");
    }
}
