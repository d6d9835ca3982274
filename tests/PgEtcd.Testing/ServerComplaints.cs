using System.Text.Json;
using System.Text.RegularExpressions;

namespace PgEtcd.Testing;

/// <summary>The warnings and errors in the output of a server, and which of them a test expects.</summary>
internal sealed partial class ServerComplaints
{
    private readonly Lock _lock = new();
    private readonly List<string> _lines = [];
    private readonly List<string> _expected = [];

    /// <summary>The complaints in order. A line that is not a log line, as a crashing runtime writes, counts as one.</summary>
    public IReadOnlyList<string> All
    {
        get
        {
            lock (_lock)
            {
                return [.. _lines];
            }
        }
    }

    /// <summary>Takes the next line of the output.</summary>
    public void Read(string line)
    {
        if (IsComplaint(line))
        {
            lock (_lock)
            {
                _lines.Add(line);
            }
        }
    }

    public void Expect(IEnumerable<string> patterns)
    {
        lock (_lock)
        {
            _expected.AddRange(patterns);
        }
    }

    /// <exception cref="UnexpectedLogException">No declared pattern matches one of the lines.</exception>
    public void Check()
    {
        lock (_lock)
        {
            string[] unexpected = [.. _lines.Where(line => !_expected.Exists(pattern => Regex.IsMatch(line, pattern)))];
            if (unexpected.Length > 0)
            {
                UnexpectedLogException exception = new(unexpected);
                Console.Error.WriteLine(exception.Message); // of an exception in clean-up, the runner shows only the type
                throw exception;
            }
        }
    }

    private static bool IsComplaint(string line)
    {
        if (!line.StartsWith('{'))
        {
            return line.Length > 0 && !ConsoleLine().IsMatch(line);
        }

        JsonElement json = JsonElement.Parse(line);
        return json.GetProperty("level").GetString() is not ("debug" or "info") && !json.TryGetProperty("took", out _);
    }

    /// <summary>A line of <c>--log-format console</c> that is not a complaint.</summary>
    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT[\d:.]+Z (debug|info) ")]
    private static partial Regex ConsoleLine();
}
