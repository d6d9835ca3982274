using System.Text.Json;

namespace PgEtcd.Console.Texts;

/// <summary>Splits JSON into tokens for syntax colouring.</summary>
internal static class JsonTokens
{
    /// <summary>A token, or the text between two.</summary>
    /// <param name="Kind">A class of the style sheet, or empty.</param>
    /// <param name="Bytes">The text.</param>
    public readonly record struct Token(string Kind, byte[] Bytes);

    /// <summary>The tokens and the text between them; together they are the input.</summary>
    public static List<Token> Read(ReadOnlySpan<byte> json)
    {
        List<Token> tokens = [];
        Utf8JsonReader reader = new(json);
        int at = 0;
        while (reader.Read())
        {
            int start = (int)reader.TokenStartIndex;
            bool isQuoted = reader.TokenType is JsonTokenType.PropertyName or JsonTokenType.String;
            int length = isQuoted ? reader.ValueSpan.Length + 2 : Math.Max(1, reader.ValueSpan.Length);
            Add("", json[at..start]);
            Add(KindOf(reader.TokenType), json.Slice(start, length));
            at = start + length;
        }

        Add("", json[at..]);
        return tokens;

        void Add(string kind, ReadOnlySpan<byte> bytes)
        {
            if (!bytes.IsEmpty)
            {
                tokens.Add(new Token(kind, bytes.ToArray()));
            }
        }
    }

    private static string KindOf(JsonTokenType type) => type switch
    {
        JsonTokenType.PropertyName => "j-name",
        JsonTokenType.String => "j-string",
        JsonTokenType.Number => "j-number",
        JsonTokenType.True or JsonTokenType.False or JsonTokenType.Null => "j-word",
        _ => "j-mark",
    };
}
