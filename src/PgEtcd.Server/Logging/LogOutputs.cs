using System.Globalization;
using System.Text;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Logging;

/// <summary>The streams of --log-outputs. They get one line at a time.</summary>
internal sealed class LogOutputs : IDisposable
{
    private readonly Lock _gate = new();
    private readonly List<Output> _outputs;

    /// <exception cref="LogOutputException">A file cannot be opened.</exception>
    public LogOutputs(LoggingOptions options) => _outputs = [.. options.Outputs.Select(output => output switch
    {
        "stderr" => Of(System.Console.OpenStandardError()),
        "stdout" => Of(System.Console.OpenStandardOutput()),
        "systemd/journal" => Of(System.Console.OpenStandardError()) with { IsJournal = true },
        _ => OpenFile(output, options.Rotation),
    })];

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
                        output.Write(Encoding.ASCII.GetBytes(string.Create(CultureInfo.InvariantCulture, $"<{Priority(level)}>")));
                    }

                    output.Write(line);
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
            _outputs.ForEach(output => output.Target.Dispose());
            _outputs.Clear();
        }
    }

    private static Output Of(Stream unbuffered) => new(unbuffered.Write, unbuffered);

    private static Output OpenFile(string path, LogRotation? rotation)
    {
        try
        {
            if (rotation is null)
            {
                return Of(RotatingFile.Append(path));
            }

            RotatingFile file = new(path, rotation);
            return new Output(file.Write, file);
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

    private sealed record Output(Action<ReadOnlySpan<byte>> Write, IDisposable Target, bool IsJournal = false);
}

/// <summary>A log file cannot be opened. The message is one sentence that names the flag.</summary>
public sealed class LogOutputException(string message, Exception innerException) : Exception(message, innerException);
