using PgEtcd.Frontend.Auth;
using Shouldly;
using Xunit;

namespace PgEtcd.Frontend.Tests.Auth;

/// <summary>Turns by address (fault A6).</summary>
public sealed class FairTurnsTests
{
    [Fact]
    public void Addresses_take_turns_and_each_is_in_order()
    {
        FairTurns turns = new(atOnce: 1, mostWaiting: 10);
        turns.EnterAsync("a").IsCompleted.ShouldBeTrue();
        Task<bool>[] a = [.. Enumerable.Range(0, 3).Select(_ => turns.EnterAsync("a"))];
        Task<bool>[] b = [.. Enumerable.Range(0, 2).Select(_ => turns.EnterAsync("b"))];
        Task<bool> c = turns.EnterAsync("c");
        foreach (Task<bool> next in (Task<bool>[])[a[0], b[0], c, a[1], b[1], a[2]])
        {
            next.IsCompleted.ShouldBeFalse();
            turns.Leave();
            next.IsCompletedSuccessfully.ShouldBeTrue();
        }

        turns.Leave();
        turns.EnterAsync("a").IsCompleted.ShouldBeTrue("all have left");
    }

    [Fact]
    public async Task Only_so_many_wait_at_one_address_and_others_are_not_counted_with_them()
    {
        FairTurns turns = new(atOnce: 2, mostWaiting: 3);
        Task<bool>[] asked = [.. Enumerable.Range(0, 6).Select(_ => turns.EnterAsync("a"))];
        asked.Select(one => one.IsCompleted).ShouldBe([true, true, false, false, false, true]);
        (await asked[5]).ShouldBeFalse();
        turns.EnterAsync("b").IsCompleted.ShouldBeFalse();
        turns.Leave();
        turns.EnterAsync("a").IsCompleted.ShouldBeFalse("there is room again");
    }

    [Theory]
    [InlineData("ipv4:192.0.2.1:51000", "ipv4:192.0.2.1")]
    [InlineData("unix:", "unix")]
    [InlineData("ipv6:[2001:db8:1:2:3:4:5:6]:51000", "ipv6:2001:db8:1:2::")]
    [InlineData("ipv6:[::1]:51000", "ipv6:::")]
    [InlineData("", "")]
    public void An_address_has_no_port_and_of_IPv6_its_network_counts(string peer, string address) =>
        PeerAddress.Of(peer).ShouldBe(address);
}
