namespace PgEtcd.Api.Tests.Connections;

/// <summary>HPACK's Huffman code for printable ASCII. The code is canonical: it follows from the lengths (RFC 7541 appendix B).</summary>
internal static class HuffmanCode
{
    /// <summary>The characters of each length; \0 stands for a character that is not printable.</summary>
    private static readonly (int Length, string Characters)[] Lengths =
    [
        (5, "012aceiost"), (6, " %-./3456789=A_bdfghlmnpru"), (7, ":BCDEFGHIJKLMNOPQRSTUVWYjkqvwxyz"), (8, "&*,;XZ"),
        (10, "!\"()?"), (11, "'+|"),
        (12, "#>"), (13, "\0$@[]~"), (14, "^}"), (15, "<`{"), (19, "\\"),
    ];

    private static readonly Dictionary<char, string> Codes = Assign();

    public static byte[] Encode(string text)
    {
        string bits = string.Concat(text.Select(character => Codes[character]));
        return [.. bits.PadRight((bits.Length + 7) / 8 * 8, '1').Chunk(8).Select(eight => Convert.ToByte(new string(eight), 2))];
    }

    private static Dictionary<char, string> Assign()
    {
        Dictionary<char, string> codes = [];
        int code = 0;
        int length = 0;
        foreach ((int next, string characters) in Lengths)
        {
            code <<= next - length;
            length = next;
            foreach (char character in characters)
            {
                codes.Add(character, Convert.ToString(code++, 2).PadLeft(length, '0'));
            }
        }

        return codes;
    }
}
