using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace PgEtcd.Postgres;

/// <summary>Shows bytes as text on a terminal, without anything that could move the cursor or change colours.</summary>
public static class Printable
{
    private static readonly SearchValues<string> SignsOfPasswords =
        SearchValues.Create(["password", "pwd="], StringComparison.OrdinalIgnoreCase);

    /// <summary>The text; bytes that are not UTF-8 or not visible characters become <c>\xNN</c>.</summary>
    public static string Text(ReadOnlySpan<byte> bytes)
    {
        StringBuilder text = new(bytes.Length);
        while (!bytes.IsEmpty)
        {
            bool isRune = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == OperationStatus.Done;
            text.Append(isRune && Shows(rune) ? rune.ToString() : Hex(bytes[..length]));
            bytes = bytes[length..];
        }

        return text.ToString();
    }

    /// <summary>Every byte as <c>\xNN</c>, as <c>etcdctl --hex</c> writes it.</summary>
    public static string Hex(ReadOnlySpan<byte> bytes) => Regex.Replace(Convert.ToHexStringLower(bytes), "..", @"\x$0");

    /// <summary>Text for a one-line message: at most 80 characters.</summary>
    public static string Line(string text)
    {
        string oneLine = string.Concat(text.Select(c => char.IsControl(c) ? '?' : c));
        return oneLine.Length <= 80 ? oneLine : string.Concat(oneLine.AsSpan(0, 77), "...");
    }

    /// <summary>A typed value for a one-line message; masked if it may be a database's address that was meant for another flag.</summary>
    public static string Given(string text) =>
        text.AsSpan().ContainsAny(SignsOfPasswords) || (text.Contains("://", StringComparison.Ordinal) && text.Contains('@'))
            ? "***"
            : Line(text);

    private static bool Shows(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.PrivateUse or UnicodeCategory.OtherNotAssigned);
}
