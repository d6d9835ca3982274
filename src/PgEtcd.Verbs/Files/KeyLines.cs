using System.Runtime.CompilerServices;
using System.Text.Json;
using PgEtcd.Postgres;
using PgEtcd.Postgres.Transfer;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Verbs.Files;

/// <summary>Reads the lines that <c>pgetcd export --format jsonl</c> and <c>pgetcd state --output json</c> write.</summary>
/// <param name="path">The file; <see cref="WholeFile.Standard"/>: stdin.</param>
/// <param name="fromPrefix">The prefix that every key must have.</param>
/// <param name="toPrefix">The prefix that replaces it.</param>
internal sealed class KeyLines(string path, byte[] fromPrefix, byte[] toPrefix)
{
    /// <summary>The number of lines whose key had a lease.</summary>
    public long Leased { get; private set; }

    /// <summary>The keys, with the new prefix, and their values.</summary>
    /// <exception cref="CommandException">A line is malformed, or the file cannot be read.</exception>
    public async IAsyncEnumerable<(byte[] Key, byte[] Value)> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using StreamReader reader = Open();
        for (long line = 1; await reader.ReadLineAsync(cancellationToken) is { } text; line++)
        {
            if (text.Length > 0)
            {
                yield return Read(text, line);
            }
        }
    }

    private StreamReader Open()
    {
        try
        {
            return path == WholeFile.Standard ? new StreamReader(Console.OpenStandardInput()) : new StreamReader(path);
        }
        catch (Exception exception) when (exception is UnauthorizedAccessException or IOException)
        {
            throw new CommandException($"{path} cannot be read: {exception.Message.TrimEnd('.')}.");
        }
    }

    private (byte[] Key, byte[] Value) Read(string text, long line)
    {
        byte[] key;
        byte[] value;
        try
        {
            using JsonDocument json = JsonDocument.Parse(text);
            key = json.RootElement.GetProperty("key").GetBytesFromBase64();
            value = json.RootElement.GetProperty("value").GetBytesFromBase64();
            Leased += json.RootElement.TryGetProperty("lease", out JsonElement lease) && lease.GetInt64() != 0 ? 1 : 0;
        }
        catch (Exception exception) when (exception
            is JsonException or KeyNotFoundException or FormatException or InvalidOperationException)
        {
            throw Bad(line, "is not a JSON object with a key and a value in base64");
        }

        if (!key.AsSpan().StartsWith(fromPrefix))
        {
            string shown = Printable.Line(Printable.Text(key));
            throw Bad(line, $"has the key '{shown}', which does not begin with '{Printable.Text(fromPrefix)}'");
        }

        byte[] named = [.. toPrefix, .. key.AsSpan(fromPrefix.Length)];
        return named.Length == 0 ? throw Bad(line, "has an empty key")
            : named.Length + value.Length <= KeyImport.MostBytes ? (named, value)
            : throw Bad(line, $"has a key and a value of more than {KeyImport.MostBytes} bytes");
    }

    private CommandException Bad(long line, string what) => new($"{path}: line {line} {what}: nothing was imported.");
}
