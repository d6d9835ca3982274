using System.Globalization;
using System.Text;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Logging;

/// <summary>The streams of --log-outputs. They get one line at a time.</summary>
internal sealed class LogOutputs : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Output> _outputs = [];

    /// <exception cref="LogOutputException">A file cannot be opened.</exception>
    public static LogOutputs Open(LoggingOptions options)
    {
        LogOutputs outputs = new();
        foreach (string output in options.Outputs)
        {
            outputs._outputs.Add(output switch
            {
                "stderr" => new Output(System.Console.OpenStandardError(), IsJournal: false),
                "stdout" => new Output(System.Console.OpenStandardOutput(), IsJournal: false),
                "systemd/journal" => new Output(System.Console.OpenStandardError(), IsJournal: true),
                _ => new Output(OpenFile(output, options.Rotation), IsJournal: false),
            });
        }

        return outputs;
    }

    /// <summary>Writes a line to all of them. A line that cannot be written is lost: a full disk must not stop the server.</summary>
    public void Write(LogLevel level, ReadOnlySpan<byte> line)
    {
        lock (_gate)
        {
            foreach (Output output in _outputs)
            {
                try
                {
                    if (output.IsJournal)
                    {
                        output.Stream.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"<{Priority(level)}>")));
                    }

                    output.Stream.Write(line);
                    output.Stream.Flush();
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    // There is no place left to report it.
                }
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_gate)
        {
            _outputs.ForEach(output => output.Stream.Dispose());
            _outputs.Clear();
        }
    }

    private static Stream OpenFile(string path, LogRotation? rotation)
    {
        try
        {
            return rotation is null ? RotatingFile.Append(path) : new RotatingFile(path, rotation);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new LogOutputException($"--log-outputs: {path} cannot be opened: {e.Message.TrimEnd('.')}.", e);
        }
    }

    /// <summary>Syslog's priority, which journald reads at the beginning of a line.</summary>
    private static int Priority(LogLevel level) => level switch
    {
        LogLevel.Trace or LogLevel.Debug => 7,
        LogLevel.Information => 6,
        LogLevel.Warning => 4,
        LogLevel.Error => 3,
        _ => 2,
    };

    private sealed record Output(Stream Stream, bool IsJournal);
}

/// <summary>A log file cannot be opened. The message is one sentence that names the flag.</summary>
public sealed class LogOutputException(string message, Exception innerException) : Exception(message, innerException);
