using System.Globalization;
using System.Text;

namespace PgEtcd.Console.Texts;

/// <summary>Keys as text in addresses, in forms and on pages: UTF-8 as it is; bytes that are not UTF-8, control characters and characters
/// that change the direction of text as <c>\xNN</c>; a backslash doubled. So every key can be written, and no two keys look
/// alike.</summary>
internal static class KeyText
{
    /// <summary>The text of a key.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Write(bytes, keepsLines: false);

    /// <summary>As <see cref="Of"/>, but with line breaks and tabs as they are. A carriage return, which a form would lose, is
    /// escaped.</summary>
    public static string OfLines(ReadOnlySpan<byte> bytes) => Write(bytes, keepsLines: true);

    /// <summary>The bytes for a text. A backslash that does not begin an escape stands for itself.</summary>
    public static byte[] Parse(string text)
    {
        List<byte> bytes = new(text.Length);
        Span<byte> encoded = stackalloc byte[4];
        for (int at = 0; at < text.Length;)
        {
            if (text[at] == '\\' && at + 1 < text.Length && text[at + 1] == '\\')
            {
                bytes.Add((byte)'\\');
                at += 2;
            }
            else if (text[at] == '\\' && at + 3 < text.Length && text[at + 1] == 'x'
                && byte.TryParse(text.AsSpan(at + 2, 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out byte value))
            {
                bytes.Add(value);
                at += 4;
            }
            else
            {
                Rune.DecodeFromUtf16(text.AsSpan(at), out Rune rune, out int length);
                bytes.AddRange(encoded[..rune.EncodeToUtf8(encoded)]);
                at += length;
            }
        }

        return [.. bytes];
    }

    private static string Write(ReadOnlySpan<byte> bytes, bool keepsLines) => string.Concat(
        Glyph.Read(bytes, keepsLines, isExact: true).Select(glyph => glyph is { IsEscaped: false, Text: "\\" } ? @"\\" : glyph.Text));
}
