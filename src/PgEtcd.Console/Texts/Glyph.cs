using System.Globalization;
using System.Text;

namespace PgEtcd.Console.Texts;

/// <summary>A run of bytes as it is shown.</summary>
/// <param name="Text">The text.</param>
/// <param name="IsEscaped">Whether it stands for bytes that cannot be shown as they are.</param>
internal readonly record struct Glyph(string Text, bool IsEscaped)
{
    /// <summary>Reads bytes, each character by itself.</summary>
    /// <param name="bytes">The bytes.</param>
    /// <param name="keepsLines">Line breaks and tabs are shown as they are.</param>
    /// <param name="isExact">So is nothing else: a carriage return before a line break is written out, and not left away.</param>
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

    /// <summary>Reads bytes in as few runs as there can be.</summary>
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

    /// <summary>Not a control character, nor one without a shape: those hide, or turn text around.</summary>
    private static bool IsPlain(Rune rune) => Rune.GetUnicodeCategory(rune) is not (
        UnicodeCategory.Control or UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator
        or UnicodeCategory.OtherNotAssigned or UnicodeCategory.PrivateUse or UnicodeCategory.Surrogate);
}
