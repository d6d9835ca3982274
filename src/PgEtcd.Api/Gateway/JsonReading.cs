using System.Collections;
using System.Globalization;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>
/// Reads messages from JSON as etcd's gateway does (semantics.md §13): fields have their proto or lowerCamel names, unknown
/// fields and enum names are ignored, null means absent, and a field given twice is an error.
/// </summary>
internal static class JsonReading
{
    /// <summary>Deepest nesting of messages, as in the binary encoding.</summary>
    private const int MostNested = 100;

    // Unknown fields may nest deeper; the reader needs one bit for each level.
    private static readonly JsonReaderOptions Options = new() { MaxDepth = 10_000 };

    /// <summary>Reads one object.</summary>
    /// <exception cref="RpcException">InvalidArgument: the text is malformed, or a value does not fit its field.</exception>
    public static IMessage Read(MessageDescriptor type, ReadOnlySpan<byte> text)
    {
        try
        {
            Utf8JsonReader json = new(text, Options);
            json.Read();
            return ReadMessage(ref json, type, 0);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException) // the latter for text that is not UTF-8
        {
            throw new RpcException(new Status(StatusCode.InvalidArgument, $"proto: {Reason(e)}", e));
        }
    }

    /// <summary>The error in the form of etcd's JSON reader, because .NET's messages are about .NET's reader.</summary>
    private static string Reason(Exception exception) =>
        exception is JsonException { LineNumber: { } line, BytePositionInLine: { } position }
            ? string.Create(CultureInfo.InvariantCulture, $"syntax error (line {line + 1}:{position + 1}): not valid JSON")
            : exception.Message;

    /// <summary>A message with nothing set.</summary>
    public static IMessage Empty(MessageDescriptor type) => type.Parser.ParseFrom(ByteString.Empty);

    private static IMessage ReadMessage(ref Utf8JsonReader json, MessageDescriptor type, int depth)
    {
        if (json.TokenType != JsonTokenType.StartObject)
        {
            throw new JsonException($"{type.FullName} is an object in JSON, not {json.TokenType}");
        }

        if (depth > MostNested)
        {
            throw new JsonException($"exceeded the maximum of {MostNested} messages within each other");
        }

        IMessage message = Empty(type);
        Span<bool> seen = stackalloc bool[type.Fields.InDeclarationOrder().Count];
        while (json.Read() && json.TokenType != JsonTokenType.EndObject)
        {
            FieldDescriptor? field = Find(type, json.GetString()!);
            json.Read();
            if (field is null)
            {
                json.Skip();
                continue;
            }

            if (seen[field.Index])
            {
                throw new JsonException($"duplicate field \"{field.Name}\"");
            }

            seen[field.Index] = true;
            if (json.TokenType != JsonTokenType.Null)
            {
                Set(ref json, message, field, depth);
            }
        }

        return message;
    }

    private static FieldDescriptor? Find(MessageDescriptor type, string name) =>
        type.Fields.InDeclarationOrder().FirstOrDefault(field => name == field.Name || name == field.JsonName);

    private static void Set(ref Utf8JsonReader json, IMessage message, FieldDescriptor field, int depth)
    {
        if (field.IsRepeated)
        {
            AddAll(ref json, (IList)field.Accessor.GetValue(message), field, depth);
            return;
        }

        if (field.RealContainingOneof is { } oneof && oneof.Accessor.GetCaseFieldDescriptor(message) is { } other)
        {
            throw new JsonException($"\"{field.Name}\" and \"{other.Name}\" exclude each other");
        }

        if (ReadValue(ref json, field, depth) is { } value)
        {
            field.Accessor.SetValue(message, value);
        }
    }

    private static void AddAll(ref Utf8JsonReader json, IList list, FieldDescriptor field, int depth)
    {
        if (json.TokenType != JsonTokenType.StartArray)
        {
            throw new JsonException($"\"{field.Name}\" is an array in JSON, not {json.TokenType}");
        }

        while (json.Read() && json.TokenType != JsonTokenType.EndArray)
        {
            if (ReadValue(ref json, field, depth) is { } value)
            {
                list.Add(value);
            }
        }
    }

    private static object? ReadValue(ref Utf8JsonReader json, FieldDescriptor field, int depth) => field.FieldType == FieldType.Message
        ? ReadMessage(ref json, field.MessageType, depth + 1)
        : JsonScalars.Read(ref json, field);
}
