using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using PgEtcd.Protocol;

namespace PgEtcd.Server.Logging;

/// <summary>JSON objects, one a line, with the keys of etcd's logger (zap): level, ts, logger, msg, then the message's fields in
/// kebab-case, and error and stacktrace for an exception.</summary>
internal static class JsonLines
{
    private static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };
    private static readonly ConcurrentDictionary<string, string> Names = new();

    /// <inheritdoc cref="LineFormat"/>
    public static void Write(IBufferWriter<byte> line, LogEntry entry)
    {
        using (Utf8JsonWriter json = new(line, Options))
        {
            json.WriteStartObject();
            json.WriteString("level", entry.LevelName);
            json.WriteString("ts", entry.Time.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
            json.WriteString("logger", entry.Category);
            json.WriteString("msg", entry.Message);
            foreach ((string name, object? value) in entry.Fields)
            {
                if (name is not ['{', ..])
                {
                    json.WritePropertyName(Names.GetOrAdd(name, NameOf));
                    WriteValue(json, value);
                }
            }

            if (entry.Exception is { } exception)
            {
                json.WriteString("error", exception.Message);
                json.WriteString("stacktrace", exception.ToString());
            }

            json.WriteEndObject();
        }

        line.Write("\n"u8);
    }

    private static void WriteValue(Utf8JsonWriter json, object? value)
    {
        switch (value)
        {
            case null or bool or int or long:
            case double number when double.IsFinite(number):
                JsonSerializer.Serialize(json, value);
                break;
            case TimeSpan duration:
                json.WriteStringValue(Durations.Format(duration));
                break;
            default:
                json.WriteStringValue(Convert.ToString(value, CultureInfo.InvariantCulture));
                break;
        }
    }

    /// <summary>A field's name in kebab-case. The keys of the line itself are taken.</summary>
    private static string NameOf(string name) => JsonNamingPolicy.KebabCaseLower.ConvertName(name) switch
    {
        ("level" or "ts" or "logger" or "msg" or "error") and var taken => taken + "-field",
        string free => free,
    };
}
