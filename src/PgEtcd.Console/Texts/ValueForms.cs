using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.RegularExpressions;
using YamlDotNet.RepresentationModel;

namespace PgEtcd.Console.Texts;

/// <summary>A form in which a value is shown.</summary>
public enum ValueForm
{
    /// <summary>UTF-8.</summary>
    Text,

    /// <summary>JSON, indented.</summary>
    Json,

    /// <summary>JSON written as YAML.</summary>
    Yaml,

    /// <summary>A Kubernetes object in protobuf.</summary>
    Kubernetes,

    /// <summary>A hex dump.</summary>
    Hex,
}

/// <summary>Finds the forms in which a value can be shown, and formats it.</summary>
internal static partial class ValueForms
{
    private const int BytesInLine = 16;

    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private static readonly string[] Reserved = ["true", "false", "null", "yes", "no", "on", "off", "~", "y", "n"];

    /// <summary>The forms that suit a value, the best one first.</summary>
    public static IReadOnlyList<ValueForm> Of(ReadOnlySpan<byte> value) =>
        Objects.Is(value) ? [ValueForm.Kubernetes, ValueForm.Hex, ValueForm.Text]
        : IsJson(value) ? [ValueForm.Json, ValueForm.Yaml, ValueForm.Text, ValueForm.Hex]
        : IsUtf8(value) ? [ValueForm.Text, ValueForm.Hex]
        : [ValueForm.Hex, ValueForm.Text];

    /// <summary>A value in its best form, for a comparison.</summary>
    public static string Comparable(byte[] value) => Of(value)[0] switch
    {
        ValueForm.Json => Shown(Json(value)),
        ValueForm.Kubernetes => string.Join('\n', Objects.Strings(value).Select(found => $"{found.Path}: {KeyText.Of(found.Text)}")),
        ValueForm.Hex => Hex(value),
        _ => Shown(value),
    };

    /// <summary>JSON with line breaks and indentation.</summary>
    public static byte[] Json(ReadOnlyMemory<byte> value)
    {
        ArrayBufferWriter<byte> output = new(value.Length * 2);
        using (JsonDocument document = JsonDocument.Parse(value))
        using (Utf8JsonWriter writer = new(output, Indented))
        {
            document.WriteTo(writer);
        }

        return output.WrittenSpan.ToArray();
    }

    public static string Yaml(ReadOnlyMemory<byte> value)
    {
        using JsonDocument document = JsonDocument.Parse(value);
        using StringWriter writer = new(CultureInfo.InvariantCulture);
        new YamlStream(new YamlDocument(ToYaml(document.RootElement))).Save(writer, assignAnchors: false);
        string text = writer.ToString().Replace("\r\n", "\n", StringComparison.Ordinal);
        return text.EndsWith("...\n", StringComparison.Ordinal) ? text[..^4] : text;
    }

    /// <summary>A hex dump: offsets, bytes, and printable characters.</summary>
    public static string Hex(ReadOnlySpan<byte> value)
    {
        StringBuilder text = new();
        for (int at = 0; at < value.Length; at += BytesInLine)
        {
            ReadOnlySpan<byte> line = value[at..Math.Min(at + BytesInLine, value.Length)];
            text.Append(CultureInfo.InvariantCulture, $"{at:x8}  ");
            for (int i = 0; i < BytesInLine; i++)
            {
                text.Append(i < line.Length ? line[i].ToString("x2", CultureInfo.InvariantCulture) : "  ").Append(i == 7 ? "  " : " ");
            }

            text.Append(' ');
            foreach (byte one in line)
            {
                text.Append(one is >= 0x20 and < 0x7f ? (char)one : '·');
            }

            text.Append('\n');
        }

        return text.ToString();
    }

    private static string Shown(byte[] text) => string.Concat(Glyph.Runs(text, keepsLines: true).Select(run => run.Text));

    private static bool IsUtf8(ReadOnlySpan<byte> value) => System.Text.Unicode.Utf8.IsValid(value) && value.IndexOf((byte)0) < 0;

    private static bool IsJson(ReadOnlySpan<byte> value)
    {
        ReadOnlySpan<byte> trimmed = value.Trim(" \t\r\n"u8);
        if (trimmed.IsEmpty || trimmed[0] is not ((byte)'{' or (byte)'['))
        {
            return false;
        }

        Utf8JsonReader reader = new(value);
        try
        {
            while (reader.Read())
            {
            }

            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static YamlNode ToYaml(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Object => ToMap(element),
        JsonValueKind.Array => new YamlSequenceNode(element.EnumerateArray().Select(ToYaml)),
        JsonValueKind.String => ToScalar(element.GetString()!),
        _ => new YamlScalarNode(element.GetRawText()) { Style = YamlDotNet.Core.ScalarStyle.Plain },
    };

    private static YamlMappingNode ToMap(JsonElement element)
    {
        YamlMappingNode map = [];
        foreach (JsonProperty property in element.EnumerateObject())
        {
            YamlScalarNode name = ToScalar(property.Name);
            map.Children[name] = ToYaml(property.Value);
        }

        return map;
    }

    private static YamlScalarNode ToScalar(string text) => new(text)
    {
        Style = text.Contains('\n', StringComparison.Ordinal) && !text.Any(one => char.IsControl(one) && one != '\n')
            ? YamlDotNet.Core.ScalarStyle.Literal
            : Plain().IsMatch(text) && !Reserved.Contains(text.ToLowerInvariant()) ? YamlDotNet.Core.ScalarStyle.Plain
            : YamlDotNet.Core.ScalarStyle.DoubleQuoted,
    };

    [GeneratedRegex(@"^[A-Za-z_/.][A-Za-z0-9_/.\-]*( [A-Za-z0-9_/.\-]+)*\z")]
    private static partial Regex Plain();
}
