using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.Extensions.Logging;
using PgEtcd.Server.Logging;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Logging;

public class LineTests
{
    private static readonly DateTime Time = new DateTime(2026, 11, 22, 10, 0, 0, DateTimeKind.Utc).AddTicks(1_234_567);

    [Fact]
    public void A_JSON_line_has_etcds_keys_then_the_fields_in_kebab_case()
    {
        string line = Line(JsonLines.Write, new LogEntry(
            Time, LogLevel.Warning, "PgEtcd", "it \"took\"\nlong <ü>",
            [
                new("KeyCount", 3), new("Took", TimeSpan.FromMilliseconds(352.1)), new("Share", 0.5), new("Nothing", null),
                new("IsSo", true),
                new("Level", "mine"), new("{OriginalFormat}", "it {Took}"),
            ],
            null));

        line.ShouldBe(
            """{"level":"warn","ts":"2026-11-22T10:00:00.123456Z","logger":"PgEtcd","msg":"it \"took\"\nlong <ü>","key-count":"""
            + """3,"took":"352.1ms","share":0.5,"nothing":null,"is-so":true,"level-field":"mine"}""" + "\n");
    }

    [Fact]
    public void An_exception_is_two_keys_on_the_same_line()
    {
        string line = Line(JsonLines.Write, new LogEntry(Time, LogLevel.Error, "PgEtcd", "failed", [], Thrown()));

        line.Count(c => c == '\n').ShouldBe(1);
        JsonElement json = JsonElement.Parse(line);
        json.GetProperty("error").GetString().ShouldBe("why");
        json.GetProperty("stacktrace").GetString().ShouldNotBeNull().ShouldContain(nameof(Thrown));
    }

    [Theory]
    [InlineData(LogLevel.Debug, "debug")]
    [InlineData(LogLevel.Information, "info ")]
    [InlineData(LogLevel.Critical, "fatal")]
    public void A_console_line_is_one_line(LogLevel level, string name) =>
        Line(ConsoleLines.Write, new LogEntry(
            Time, level, "PgEtcd", "two\nlines", [], null)).ShouldBe($"2026-11-22T10:00:00.123Z {name} PgEtcd: two lines\n");

    private static string Line(LineFormat format, LogEntry entry)
    {
        ArrayBufferWriter<byte> line = new();
        format(line, entry);
        return Encoding.UTF8.GetString(line.WrittenSpan);
    }

    private static InvalidOperationException Thrown()
    {
        try
        {
            throw new InvalidOperationException("why");
        }
        catch (InvalidOperationException exception)
        {
            return exception;
        }
    }
}
