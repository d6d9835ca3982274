using PgEtcd.Mvcc.Keys;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Keys;

public class Key_ranges
{
    [Theory]
    [InlineData("b", "", true, false, false, "b")]
    [InlineData("b", "\0", false, true, false, "b c d")]
    [InlineData("\0", "\0", false, true, false, "a b c d")]
    [InlineData("b", "d", false, false, false, "b c")]
    [InlineData("b", "b", false, false, true, "")]
    [InlineData("c", "b", false, false, true, "")]
    public void Follow_the_conventions_of_range_end(string key, string end, bool oneKey, bool open, bool empty, string holds)
    {
        KeyRange range = new(Bytes(key), Bytes(end));
        (range.IsSingleKey, range.IsOpenEnded, range.IsEmpty).ShouldBe((oneKey, open, empty));
        string.Join(' ', "a b c d".Split(' ').Where(k => range.Contains(Bytes(k)))).ShouldBe(holds);
    }

    private static byte[] Bytes(string text) => System.Text.Encoding.Latin1.GetBytes(text);
}
