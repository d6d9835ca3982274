using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace PgEtcd.Api.Gateway;

/// <summary>Reads single values of etcd's JSON (semantics.md §13).</summary>
internal static partial class JsonScalars
{
    /// <summary>Reads the value of a field, or one item of a repeated field.</summary>
    /// <returns>The value; null for an unknown enum name, which etcd ignores.</returns>
    /// <exception cref="JsonException">The value does not fit the field.</exception>
    public static object? Read(ref Utf8JsonReader json, FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Bool => json.TokenType is JsonTokenType.True or JsonTokenType.False ? json.GetBoolean() : throw Misfit(ref json, field),
        FieldType.String => json.TokenType == JsonTokenType.String ? json.GetString() : throw Misfit(ref json, field),
        FieldType.Bytes => json.TokenType == JsonTokenType.String ? ReadBytes(ref json, field) : throw Misfit(ref json, field),
        FieldType.Enum => json.TokenType == JsonTokenType.String
            ? field.EnumType.FindValueByName(json.GetString()!)?.Number
            : (int)ReadNumber(ref json, field, int.MinValue, int.MaxValue),
        FieldType.Int64 => (long)ReadNumber(ref json, field, long.MinValue, long.MaxValue),
        FieldType.UInt64 => (ulong)ReadNumber(ref json, field, ulong.MinValue, ulong.MaxValue),
        FieldType.Int32 => (int)ReadNumber(ref json, field, int.MinValue, int.MaxValue),
        FieldType.UInt32 => (uint)ReadNumber(ref json, field, uint.MinValue, uint.MaxValue),
        _ => throw new NotSupportedException($"etcd's messages have no fields of type {field.FieldType}."),
    };

    /// <summary>Reads a number, or a string that holds one; 1.0 and 1e2 count as whole numbers.</summary>
    private static decimal ReadNumber(ref Utf8JsonReader json, FieldDescriptor field, decimal least, decimal most)
    {
        const NumberStyles JsonNumber = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent;
        string? text = json.TokenType switch
        {
            JsonTokenType.Number => Encoding.ASCII.GetString(json.ValueSpan),
            JsonTokenType.String when json.GetString() is { } quoted && Number().IsMatch(quoted) => quoted,
            _ => null,
        };
        return decimal.TryParse(text, JsonNumber, CultureInfo.InvariantCulture, out decimal number)
            && decimal.Truncate(number) == number && number >= least && number <= most
            ? number
            : throw Misfit(ref json, field);
    }

    /// <summary>Reads base64 in the standard or the URL-safe alphabet, with or without padding.</summary>
    private static ByteString ReadBytes(ref Utf8JsonReader json, FieldDescriptor field)
    {
        byte[] text = ArrayPool<byte>.Shared.Rent(json.ValueSpan.Length + 2); // room for the padding
        try
        {
            int length = json.CopyString(text);
            if (text.AsSpan(0, length).ContainsAny((byte)'-', (byte)'_'))
            {
                if (text.AsSpan(0, length).ContainsAny((byte)'+', (byte)'/'))
                {
                    throw Misfit(ref json, field);
                }

                text.AsSpan(0, length).Replace((byte)'-', (byte)'+');
                text.AsSpan(0, length).Replace((byte)'_', (byte)'/');
            }

            for (; length % 4 is 2 or 3; length++)
            {
                text[length] = (byte)'=';
            }

            byte[] bytes = new byte[Base64.GetMaxDecodedFromUtf8Length(length)];
            return Base64.DecodeFromUtf8(text.AsSpan(0, length), bytes, out int consumed, out int written) == OperationStatus.Done
                && consumed == length
                ? UnsafeByteOperations.UnsafeWrap(bytes.AsMemory(0, written))
                : throw Misfit(ref json, field);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(text);
        }
    }

    private static JsonException Misfit(ref Utf8JsonReader json, FieldDescriptor field)
    {
        string shown = json.HasValueSequence || json.ValueSpan.Length > 50
            ? $"of {json.ValueSpan.Length} characters"
            : Encoding.UTF8.GetString(json.ValueSpan);
        return new JsonException($"invalid value for {field.FieldType} field {field.Name}: {json.TokenType} {shown}");
    }

    [GeneratedRegex(@"^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?\z", RegexOptions.CultureInvariant)]
    private static partial Regex Number();
}
