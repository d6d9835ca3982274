using System.Text;
using PgEtcd.Console.Texts;
using Shouldly;
using Xunit;

namespace PgEtcd.Console.Tests.Texts;

/// <summary>Keys as text, and their parsing.</summary>
public sealed class KeyTextTests
{
    [Theory]
    [InlineData("plain/key", "plain/key")]
    [InlineData("ünïcode/鍵", "ünïcode/鍵")]
    [InlineData(@"back\slash", @"back\\slash")]
    [InlineData("line\nbreak", @"line\x0abreak")]
    [InlineData("turn\u202earound", @"turn\xe2\x80\xaearound")]
    [InlineData("zero\u200bwidth", @"zero\xe2\x80\x8bwidth")]
    [InlineData("", "")]
    public void Text_is_unchanged_except_for_invisible_characters(string key, string shown) =>
        KeyText.Of(Encoding.UTF8.GetBytes(key)).ShouldBe(shown);

    [Fact]
    public void Every_byte_survives_the_round_trip()
    {
        Random random = new(20261130);
        for (int run = 0; run < 2000; run++)
        {
            byte[] key = new byte[random.Next(12)];
            random.NextBytes(key);
            // Texts that look like escapes are the difficult part.
            for (int i = 0; i < key.Length; i++)
            {
                key[i] = random.Next(3) == 0 ? (byte)@"\x0a"[random.Next(4)] : key[i];
            }

            KeyText.Parse(KeyText.Of(key)).ShouldBe(key, Convert.ToHexString(key));
            KeyText.Parse(KeyText.OfLines(key)).ShouldBe(key, Convert.ToHexString(key));
        }
    }

    [Theory]
    [InlineData(@"a\", @"a\")]
    [InlineData(@"a\xg0", @"a\xg0")]
    [InlineData(@"a\x4", @"a\x4")]
    public void A_backslash_that_begins_no_escape_stands_for_itself(string text, string meaning) =>
        KeyText.Parse(text).ShouldBe(Encoding.UTF8.GetBytes(meaning));

    [Theory]
    [InlineData("/registry/secrets/*", "/registry/secrets/shop/db", true)]
    [InlineData("/registry/secrets/*", "/registry/secret", false)]
    [InlineData("*password*", "a/password/b", true)]
    [InlineData("*password*", "a/passwords", true)]
    [InlineData("*password", "a/passwords", false)]
    [InlineData("a*b*c", "abc", true)]
    [InlineData("a*b*c", "acb", false)]
    [InlineData("ab*bc", "abc", false)]
    [InlineData("exact", "exact", true)]
    [InlineData("exact", "exactly", false)]
    [InlineData("*", "", true)]
    public void Masks_hide_matching_keys(string pattern, string key, bool isHidden) =>
        new Masks([pattern]).Hide(Encoding.UTF8.GetBytes(key)).ShouldBe(isHidden);
}
