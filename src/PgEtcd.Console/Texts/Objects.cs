using System.Text;

namespace PgEtcd.Console.Texts;

/// <summary>Reads Kubernetes objects in the protobuf form in which the API server stores them.</summary>
internal static class Objects
{
    private const int MostStrings = 400;
    private const int Deepest = 12;

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <summary>The identity of an object.</summary>
    /// <param name="Kind">E.g. Pod.</param>
    /// <param name="ApiVersion">E.g. apps/v1.</param>
    /// <param name="Namespace">The namespace, or empty.</param>
    /// <param name="Name">The name; empty if the value was cut before it.</param>
    public sealed record Description(string Kind, string ApiVersion, string Namespace, string Name);

    /// <summary>A text in an object.</summary>
    /// <param name="Path">The field numbers, outermost first.</param>
    /// <param name="Text">The text.</param>
    public readonly record struct Found(string Path, byte[] Text);

    /// <summary>Whether a value has this form.</summary>
    public static bool Is(ReadOnlySpan<byte> value) => value.StartsWith(Magic);

    /// <summary>The identity of the object; null if the value is not one. The beginning of a value suffices.</summary>
    public static Description? Describe(ReadOnlySpan<byte> value)
    {
        if (!Is(value))
        {
            return null;
        }

        ReadOnlySpan<byte> type = Field(value[Magic.Length..], 1);
        ReadOnlySpan<byte> meta = Field(Field(value[Magic.Length..], 2), 1);
        return new Description(
            KeyText.Of(Field(type, 2)), KeyText.Of(Field(type, 1)), KeyText.Of(Field(meta, 3)), KeyText.Of(Field(meta, 1)));
    }

    /// <summary>The texts in an object, in order.</summary>
    public static List<Found> Strings(ReadOnlySpan<byte> value)
    {
        List<Found> found = [];
        Collect(Field(value[Magic.Length..], 2), "", 0, found);
        return found;
    }

    /// <summary>Adds the texts of a message; none if it turns out not to be one.</summary>
    private static void Collect(ReadOnlySpan<byte> message, string path, int depth, List<Found> found)
    {
        int before = found.Count;
        while (!message.IsEmpty)
        {
            if (!Next(ref message, out int number, out ReadOnlySpan<byte> content, out bool isBytes, out bool isCut) || isCut)
            {
                found.RemoveRange(before, found.Count - before);
                return;
            }

            string inner = path.Length == 0 ? $"{number}" : $"{path}.{number}";
            if (isBytes && content.Length > 0 && found.Count < MostStrings)
            {
                // A text may happen to parse as a message, so printable content counts as text.
                if (IsText(content))
                {
                    found.Add(new Found(inner, content.ToArray()));
                }
                else if (depth < Deepest)
                {
                    Collect(content, inner, depth + 1, found);
                }
            }
        }
    }

    private static bool IsText(ReadOnlySpan<byte> content)
    {
        while (!content.IsEmpty)
        {
            if (Rune.DecodeFromUtf8(content, out Rune rune, out int length) != System.Buffers.OperationStatus.Done
                || (Rune.IsControl(rune) && rune.Value is not ('\n' or '\t' or '\r')))
            {
                return false;
            }

            content = content[length..];
        }

        return true;
    }

    /// <summary>The content of the first field with a number, or its beginning if the message was cut; empty if there is none.</summary>
    private static ReadOnlySpan<byte> Field(ReadOnlySpan<byte> message, int wanted)
    {
        while (Next(ref message, out int number, out ReadOnlySpan<byte> content, out bool isBytes, out bool isCut))
        {
            if (number == wanted && isBytes)
            {
                return content;
            }

            if (isCut)
            {
                break;
            }
        }

        return [];
    }

    private static bool Next(
        scoped ref ReadOnlySpan<byte> message, out int number, out ReadOnlySpan<byte> content, out bool isBytes, out bool isCut)
    {
        number = 0;
        content = [];
        isBytes = false;
        isCut = false;
        if (!Varint(ref message, out ulong tag) || tag >> 3 is 0 or > int.MaxValue)
        {
            return false;
        }

        number = (int)(tag >> 3);
        ulong length = 0;
        switch (tag & 7)
        {
            case 0:
                return Varint(ref message, out _);
            case 1:
                length = 8;
                break;
            case 5:
                length = 4;
                break;
            case 2:
                isBytes = true;
                if (!Varint(ref message, out length))
                {
                    return false;
                }

                break;
            default:
                return false;
        }

        isCut = length > (ulong)message.Length;
        int taken = isCut ? message.Length : (int)length;
        content = message[..taken];
        message = message[taken..];
        return true;
    }

    private static bool Varint(scoped ref ReadOnlySpan<byte> message, out ulong value)
    {
        value = 0;
        for (int at = 0; at < message.Length && at < 10; at++)
        {
            value |= (ulong)(message[at] & 0x7f) << (7 * at);
            if (message[at] < 0x80)
            {
                message = message[(at + 1)..];
                return true;
            }
        }

        return false;
    }
}
