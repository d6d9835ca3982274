using System.Net;
using PgEtcd.Server.Proxies;
using PgEtcd.Server.CommandLines;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Options;

/// <summary>--proxy-protocol-from (fault A6).</summary>
public sealed class ProxyFlagTests
{
    [Fact]
    public void Without_it_no_proxy_is_trusted() => Parse("").ShouldBeNull();

    [Fact]
    public void It_is_a_list_of_networks_addresses_and_Unix_sockets()
    {
        TrustedProxies proxies = Parse("10.0.0.0/8, 192.0.2.7,fd00::/8,2001:db8::7,unix")!;
        proxies.Networks.ShouldBe(
            [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("192.0.2.7/32"), IPNetwork.Parse("fd00::/8"), IPNetwork.Parse("2001:db8::7/128")]);
        proxies.UnixSockets.ShouldBeTrue();
        Parse("10.0.0.0/8")!.UnixSockets.ShouldBeFalse();
    }

    [Theory]
    [InlineData("balancer")]
    [InlineData("10.0.0.0/33")]
    public void Anything_else_is_refused(string item) => CommandLine.Parse(["--proxy-protocol-from", item], new Dictionary<string, string>())
        .Text.ShouldNotBeNull().ShouldContain($"--proxy-protocol-from must be a list of networks such as 10.0.0.0/8, addresses or unix, not \"{item}\".");

    private static TrustedProxies? Parse(string text) =>
        CommandLine.Parse(["--proxy-protocol-from", text], new Dictionary<string, string>()).Options!.TrustedProxies;
}
