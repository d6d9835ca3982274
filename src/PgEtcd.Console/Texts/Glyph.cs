using System.Globalization;
using System.Text;

namespace PgEtcd.Console.Texts;

/// <summary>A run of bytes as shown.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsEscaped">Whether the text is an escape for bytes that cannot be shown as they are.</param>
internal readonly record struct Glyph(string Text, bool IsEscaped)
{
    /// <summary>Splits bytes into single characters.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="keepsLines">Whether line breaks and tabs are shown as they are.</param>
    /// <param name="isExact">Whether a carriage return before a line break is escaped; otherwise it is dropped.</param>
    public static List<Glyph> Read(ReadOnlySpan<byte> bytes, bool keepsLines = false, bool isExact = false)
    {
        List<Glyph> glyphs = new(bytes.Length);
        while (!bytes.IsEmpty)
        {
            bool isText = Rune.DecodeFromUtf8(bytes, out Rune rune, out int length) == System.Buffers.OperationStatus.Done;
            if (isText && (IsPlain(rune) || (keepsLines && rune.Value is '\n' or '\t')))
            {
                glyphs.Add(new Glyph(rune.ToString(), IsEscaped: false));
            }
            else if (!(keepsLines && !isExact && isText && rune.Value == '\r' && length < bytes.Length && bytes[length] == '\n'))
            {
                foreach (byte one in bytes[..length])
                {
                    glyphs.Add(new Glyph(string.Create(CultureInfo.InvariantCulture, $@"\x{one:x2}"), IsEscaped: true));
                }
            }

            bytes = bytes[length..];
        }

        return glyphs;
    }

    /// <summary>Splits bytes into as few runs as possible.</summary>
    /// <inheritdoc cref="Read"/>
    public static IEnumerable<Glyph> Runs(ReadOnlySpan<byte> bytes, bool keepsLines = false)
    {
        List<Glyph> runs = [];
        StringBuilder run = new();
        bool isEscaped = false;
        foreach (Glyph glyph in Read(bytes, keepsLines))
        {
            if (run.Length > 0 && glyph.IsEscaped != isEscaped)
            {
                runs.Add(new Glyph(run.ToString(), isEscaped));
                run.Clear();
            }

            isEscaped = glyph.IsEscaped;
            run.Append(glyph.Text);
        }

        if (run.Length > 0)
        {
            runs.Add(new Glyph(run.ToString(), isEscaped));
        }

        return runs;
    }

    /// <summary>Whether a character is visible: neither a control character nor an invisible one, which may hide or reverse text.</summary>
    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate);
}
