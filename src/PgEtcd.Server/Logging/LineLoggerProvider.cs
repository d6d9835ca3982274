using System.Buffers;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Logging;

/// <summary>Logs lines, in one of two formats, to the outputs of --log-outputs. A line has been handed to the system when the call
/// returns, so the last lines before a crash are kept.</summary>
/// <exception cref="LogOutputException">A file cannot be opened.</exception>
internal sealed class LineLoggerProvider(LoggingOptions options) : ILoggerProvider
{
    private readonly LogOutputs _outputs = new(options);
    private readonly LineFormat _format = options.IsJson ? JsonLines.Write : ConsoleLines.Write;

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => new LineLogger(categoryName, _format, _outputs);

    /// <inheritdoc/>
    public void Dispose() => _outputs.Dispose();

    private sealed class LineLogger(string category, LineFormat format, LogOutputs outputs) : ILogger
    {
        [ThreadStatic]
        private static ArrayBufferWriter<byte>? _buffer;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        // The factory's filters have asked for the level already.
        public bool IsEnabled(LogLevel logLevel) => logLevel != LogLevel.None;

        public void Log<TState>(
            LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            ArrayBufferWriter<byte> buffer = _buffer ??= new ArrayBufferWriter<byte>(1024);
            buffer.ResetWrittenCount();
            LogEntry entry = new(
                DateTime.UtcNow, logLevel, category, formatter(state, exception),
                state as IReadOnlyList<KeyValuePair<string, object?>> ?? [], exception);
            format(buffer, entry);
            outputs.Write(logLevel, buffer.WrittenSpan);
        }
    }
}

/// <summary>An entry of the log.</summary>
/// <param name="Time">UTC.</param>
/// <param name="Level">Its severity.</param>
/// <param name="Category">The logger that wrote it.</param>
/// <param name="Message">The sentence.</param>
/// <param name="Fields">The values of the sentence by name, and the template under a name in braces.</param>
/// <param name="Exception">The error that it reports.</param>
internal readonly record struct LogEntry(
    DateTime Time, LogLevel Level, string Category, string Message, IReadOnlyList<KeyValuePair<string, object?>> Fields,
    Exception? Exception)
{
    /// <summary>The level in etcd's words.</summary>
    public string LevelName => Level switch
    {
        LogLevel.Trace or LogLevel.Debug => "debug",
        LogLevel.Information => "info",
        LogLevel.Warning => "warn",
        LogLevel.Error => "error",
        _ => "fatal",
    };
}

/// <summary>Writes an entry as one line with its end.</summary>
internal delegate void LineFormat(IBufferWriter<byte> line, LogEntry entry);
