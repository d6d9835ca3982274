using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using PgEtcd.Postgres;
using Spectre.Console;

namespace PgEtcd.Verbs.Output;

/// <summary>Writes rows as they come: as JSON lines, or as tables of a limited length, so that memory does not grow with the
/// result.</summary>
/// <param name="isJson">Whether to write JSON, one object a line.</param>
/// <param name="isHex">Whether tables show bytes in hex.</param>
/// <param name="output">The stream for JSON, which stays open; null: stdout.</param>
internal sealed class RowWriter(bool isJson, bool isHex = false, Stream? output = null) : IDisposable
{
    private const int RowsPerTable = 1000;

    /// <summary>Bytes of a value that a table shows.</summary>
    private const int MostBytes = 100;

    private readonly Stream _output = new BufferedStream(output ?? Console.OpenStandardOutput(), 64 * 1024);
    private readonly IAnsiConsole _console = TableConsole();
    private readonly List<string[]> _rows = [];
    private string[] _titles = [];
    private int[] _widths = [];

    /// <summary>The number of rows so far.</summary>
    public long Count { get; private set; }

    /// <summary>Writes one object as a line of JSON, and nothing else.</summary>
    public static void WriteObject<T>(T value)
    {
        using Stream output = Console.OpenStandardOutput();
        output.Write([.. JsonSerializer.SerializeToUtf8Bytes(value), (byte)'\n']);
    }

    /// <summary>Adds the next row. All rows have the same fields.</summary>
    public void Add(params Field[] fields)
    {
        Count++;
        if (isJson)
        {
            WriteJson(fields);
            return;
        }

        Field[] shown = [.. fields.Where(field => field.Title is not null)];
        _titles = [.. shown.Select(field => field.Title!)];
        _rows.Add([.. shown.Select(field => Cell(field.Value))]);
        if (_rows.Count == RowsPerTable)
        {
            WriteTable();
        }
    }

    /// <summary>Writes the rows so far. The continuation of a table does not repeat its titles.</summary>
    public void Flush()
    {
        WriteTable();
        _output.Flush();
    }

    /// <summary>Writes a line for people; not with JSON.</summary>
    public void Say(string line)
    {
        WriteTable();
        if (!isJson)
        {
            Console.Out.WriteLine(line);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Flush();

    private static IAnsiConsole TableConsole()
    {
        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Out) });
        if (Console.IsOutputRedirected)
        {
            console.Profile.Width = 100_000; // one line for each row, whatever the terminal's width
        }

        return console;
    }

    private void WriteTable()
    {
        if (_rows.Count == 0)
        {
            return;
        }

        Table table = new() { Border = TableBorder.None, ShowHeaders = _widths.Length == 0 };
        _widths = [.. _titles.Select((title, at) =>
            Math.Max(_widths.ElementAtOrDefault(at), Math.Max(title.Length, _rows.Max(row => row[at].Length))))];
        foreach (string title in _titles)
        {
            table.AddColumn(new TableColumn(new Text(title)) { Padding = new Padding(0, 0, 2, 0) });
        }

        foreach (string[] row in _rows)
        {
            table.AddRow(row.Select((cell, at) => new Text(cell.PadRight(_widths[at]))));
        }

        _console.Write(table);
        _rows.Clear();
    }

    private string Cell(object? value) => value switch
    {
        null => "",
        byte[] bytes when bytes.Length > MostBytes => $"{Shown(bytes.AsSpan(0, MostBytes))}… ({bytes.Length} bytes)",
        byte[] bytes => Shown(bytes),
        DateTime time => time.ToString("yyyy-MM-dd HH:mm:ss.fff'Z'", CultureInfo.InvariantCulture),
        string text => Printable.Text(Encoding.UTF8.GetBytes(text)),
        IFormattable other => other.ToString(null, CultureInfo.InvariantCulture),
        _ => value.ToString()!,
    };

    private string Shown(ReadOnlySpan<byte> bytes) => isHex ? Printable.Hex(bytes) : Printable.Text(bytes);

    private void WriteJson(Field[] fields)
    {
        using (Utf8JsonWriter json = new(_output))
        {
            json.WriteStartObject();
            foreach (Field field in fields)
            {
                WriteJson(json, field);
            }

            json.WriteEndObject();
        }

        _output.WriteByte((byte)'\n');
    }

    private static void WriteJson(Utf8JsonWriter json, Field field)
    {
        switch (field.Value)
        {
            case null when field.IsBytes:
                json.WriteNull(field.Name);
                json.WriteNull(field.Name + "_text");
                break;
            case byte[] bytes:
                json.WriteBase64String(field.Name, bytes);
                json.WriteString(field.Name + "_text", Utf8.IsValid(bytes) ? Encoding.UTF8.GetString(bytes) : null);
                break;
            default:
                json.WritePropertyName(field.Name);
                JsonSerializer.Serialize(json, field.Value);
                break;
        }
    }
}

/// <summary>A value of a row.</summary>
/// <param name="Name">The name in JSON. Bytes are in base64 there, and a field with the suffix _text has them as text or null.</param>
/// <param name="Value">A number, text, time, truth value, bytes or null.</param>
/// <param name="Title">The title of its column in a table; null: none.</param>
/// <param name="IsBytes">Whether the value is bytes, even if it is null.</param>
internal readonly record struct Field(string Name, object? Value, string? Title = null, bool IsBytes = false);
