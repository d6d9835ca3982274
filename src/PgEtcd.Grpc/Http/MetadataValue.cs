using System.Text;

namespace PgEtcd.Grpc.Http;

/// <summary>How metadata values and status texts are written in HTTP headers.</summary>
public static class MetadataValue
{
    /// <summary>Writes a status text as <c>grpc-message</c>: percent-encoded UTF-8, printable ASCII left as it is.</summary>
    public static string EncodeMessage(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange(' ', '~') && !text.Contains('%'))
            return text;
        var encoded = new StringBuilder(text.Length + 16);
        foreach (byte b in Encoding.UTF8.GetBytes(text))
        {
            if (b is >= 0x20 and <= 0x7e and not (byte)'%')
                encoded.Append((char)b);
            else
                encoded.Append('%').Append(Convert.ToHexString([b]));
        }
        return encoded.ToString();
    }

    /// <summary>Reads a <c>grpc-message</c>; malformed escapes stay as they are.</summary>
    public static string DecodeMessage(string text) => text.Contains('%') ? Uri.UnescapeDataString(text) : text;

    /// <summary>Writes the bytes of a <c>-bin</c> entry.</summary>
    public static string EncodeBytes(byte[] bytes) => Convert.ToBase64String(bytes).TrimEnd('=');

    /// <summary>Reads the bytes of a <c>-bin</c> entry, padded or not.</summary>
    /// <exception cref="FormatException">Not base64.</exception>
    public static byte[] DecodeBytes(string text)
    {
        text = text.Trim().TrimEnd('=');
        return Convert.FromBase64String(text.PadRight((text.Length + 3) / 4 * 4, '='));
    }
}
