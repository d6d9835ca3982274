using System.Text;
using PgEtcd.Api.Connections;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Connections;

/// <summary>The authority of a request over a Unix socket, replaced in its encoded headers. Blocks are written out by hand after RFC 7541.</summary>
public class PathAuthorityTests
{
    private static readonly byte[] Path = [9, .. "/run/sock"u8];
    private static readonly byte[] Letter = [1, (byte)'u'];

    // :method POST, :scheme http, :path (a literal), then the authority, then "te: trailers" as a literal with a literal name.
    private static readonly byte[] Before = [0x83, 0x86, 0x44, 4, .. "/a/b"u8];
    private static readonly byte[] After = [0x40, 2, .. "te"u8, 8, .. "trailers"u8];

    [Theory]
    [InlineData(0x41)]
    [InlineData(0x01)]
    [InlineData(0x11)]
    public void A_literal_authority_is_replaced_and_the_rest_stays(byte form) =>
        PathAuthorities.Rewrite(Frame(4, [.. Before, form, .. Path, .. After])).ShouldBe(Frame(4, [.. Before, form, .. Letter, .. After]));

    [Fact]
    public void Padding_and_priority_stay_where_they_are() =>
        PathAuthorities.Rewrite(Frame(0x2c, [3, 0, 0, 0, 0, 15, .. Before, 0x41, .. Path, .. After, 0, 0, 0]))
            .ShouldBe(Frame(0x2c, [3, 0, 0, 0, 0, 15, .. Before, 0x41, .. Letter, .. After, 0, 0, 0]));

    [Fact]
    public void A_long_authority_after_a_change_of_the_table_is_found()
    {
        byte[] name = Encoding.ASCII.GetBytes(new string('p', 300));
        PathAuthorities.Rewrite(Frame(4, [0x3f, 0xe1, 0x1f, .. Before, 0x41, 0x7f, 0xad, 0x01, .. name])) // 4096, and 127 + 173
            .ShouldBe(Frame(4, [0x3f, 0xe1, 0x1f, .. Before, 0x41, .. Letter]));
    }

    [Theory]
    [InlineData(new byte[] { 0x83, 0x86, 0xbe })] // all from the table
    [InlineData(new byte[] { 0x41, 9, 0x61 })] // a value that is cut off
    [InlineData(new byte[] { 0x41, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff })] // a length without end
    [InlineData(new byte[] { 0x40 })]
    [InlineData(new byte[0])]
    public void What_has_none_stays_as_it_is(byte[] block) =>
        PathAuthorities.Rewrite(Frame(4, block)).ShouldBe(Frame(4, block));

    private static byte[] Frame(byte flags, byte[] payload) =>
        [0, (byte)(payload.Length >> 8), (byte)payload.Length, 1, flags, 0, 0, 0, 1, .. payload];
}
