using System.Text;
using System.Text.RegularExpressions;

namespace PgEtcd.Api.Connections;

/// <summary>Decodes <c>:authority</c> and <c>Host</c> so that Kestrel accepts any value. Kestrel resets requests whose authority is not a
/// host name; Go's server ignores the value. gRPC clients send their endpoint as configured: lists of addresses, URLs, socket paths,
/// IPv6 addresses with a zone.</summary>
/// <remarks>A host name, with or without a port, is read as it is. In anything else, characters other than letters, digits and
/// <c>-._</c> become <c>~</c> and two hexadecimal digits, so no such value can pass for another host.</remarks>
internal sealed partial class HostEncoding : Encoding
{
    private static readonly HostEncoding Instance = new();

    /// <summary>The encoding of a header's value; null for Kestrel's own.</summary>
    public static Encoding? Select(string header) => header is ":authority" or "Host" ? Instance : null;

    public override int GetByteCount(char[] chars, int index, int count) => Latin1.GetByteCount(chars, index, count);

    public override int GetBytes(char[] chars, int charIndex, int charCount, byte[] bytes, int byteIndex) =>
        Latin1.GetBytes(chars, charIndex, charCount, bytes, byteIndex);

    public override int GetCharCount(byte[] bytes, int index, int count) => Decode(bytes.AsSpan(index, count)).Length;

    public override int GetChars(byte[] bytes, int byteIndex, int byteCount, char[] chars, int charIndex)
    {
        string text = Decode(bytes.AsSpan(byteIndex, byteCount));
        text.CopyTo(chars.AsSpan(charIndex));
        return text.Length;
    }

    public override int GetMaxByteCount(int charCount) => charCount;

    public override int GetMaxCharCount(int byteCount) => 3 * byteCount;

    private static string Decode(ReadOnlySpan<byte> bytes)
    {
        string text = Latin1.GetString(bytes);
        return Host().IsMatch(text)
            ? text
            : string.Concat(text.Select(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_' ? $"{c}" : $"~{(int)c:X2}"));
    }

    /// <summary>Values that Kestrel accepts as a host and a port.</summary>
    [GeneratedRegex(@"^(\[[0-9A-Fa-f:.]{3,}\]|[A-Za-z0-9!$&'()._~-]+)(:[0-9]+)?\z|^\z", RegexOptions.CultureInvariant)]
    private static partial Regex Host();
}
