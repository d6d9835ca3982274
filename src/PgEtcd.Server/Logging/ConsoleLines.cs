using System.Buffers;
using System.Globalization;
using System.Text;

namespace PgEtcd.Server.Logging;

/// <summary>Lines for people: time, level, logger, message. An exception follows on lines of its own.</summary>
internal static class ConsoleLines
{
    /// <inheritdoc cref="LineFormat"/>
    public static void Write(IBufferWriter<byte> line, LogEntry entry)
    {
        // Texts from clients or the database may hold line breaks, and an entry must stay one line.
        string message = entry.Message.ReplaceLineEndings(" ");
        string text = string.Create(
            CultureInfo.InvariantCulture, $"{entry.Time:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {entry.LevelName,-5} {entry.Category}: {message}\n");
        Encoding.UTF8.GetBytes(text, line);
        if (entry.Exception is { } exception)
        {
            Encoding.UTF8.GetBytes(exception + "\n", line);
        }
    }
}
