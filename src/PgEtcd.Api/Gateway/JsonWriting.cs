using System.Buffers;
using System.Collections;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using Google.Protobuf;
using Google.Protobuf.Reflection;

namespace PgEtcd.Api.Gateway;

/// <summary>
/// Writes messages as etcd's gateway does (semantics.md §13): names as in the protos, zero and empty values left out, numbers of
/// 64 bits as text.
/// </summary>
internal static class JsonWriting
{
    private static readonly JsonWriterOptions Options =
        new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    /// <summary>A writer of JSON, flushed when it is disposed.</summary>
    public static Utf8JsonWriter To(IBufferWriter<byte> output) => new(output, Options);

    /// <summary>Writes one message as an object.</summary>
    public static void Write(Utf8JsonWriter json, IMessage message)
    {
        json.WriteStartObject();
        foreach (FieldDescriptor field in message.Descriptor.Fields.InDeclarationOrder())
        {
            object? value = field.Accessor.GetValue(message);
            if (field.IsRepeated)
            {
                WriteAll(json, field, (IList)value);
            }
            else if (field.HasPresence ? field.Accessor.HasValue(message) : !IsZero(value))
            {
                json.WritePropertyName(field.Name);
                WriteValue(json, field, value);
            }
        }

        json.WriteEndObject();
    }

    private static void WriteAll(Utf8JsonWriter json, FieldDescriptor field, IList items)
    {
        if (items.Count == 0)
        {
            return;
        }

        json.WriteStartArray(field.Name);
        foreach (object item in items)
        {
            WriteValue(json, field, item);
        }

        json.WriteEndArray();
    }

    private static void WriteValue(Utf8JsonWriter json, FieldDescriptor field, object value)
    {
        switch (value)
        {
            case IMessage message:
                Write(json, message);
                break;
            case ByteString bytes:
                json.WriteBase64StringValue(bytes.Span);
                break;
            case string text:
                json.WriteStringValue(text);
                break;
            case long or ulong:
                json.WriteStringValue(((IFormattable)value).ToString(null, CultureInfo.InvariantCulture));
                break;
            case int or uint:
                json.WriteNumberValue(Convert.ToInt64(value, CultureInfo.InvariantCulture));
                break;
            case bool truth:
                json.WriteBooleanValue(truth);
                break;
            case Enum when field.EnumType.FindValueByNumber(NumberOf(value)) is { } known:
                json.WriteStringValue(known.Name);
                break;
            case Enum:
                json.WriteNumberValue(NumberOf(value));
                break;
            default:
                throw new NotSupportedException($"etcd's messages have no fields of type {field.FieldType}.");
        }
    }

    private static bool IsZero(object value) =>
        value is 0L or 0UL or 0 or 0u or false or "" or ByteString { IsEmpty: true } || (value is Enum && NumberOf(value) == 0);

    private static int NumberOf(object value) => Convert.ToInt32(value, CultureInfo.InvariantCulture);
}
