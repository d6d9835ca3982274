using System.Collections.Concurrent;
using System.Diagnostics;
using Dapper;
using Npgsql;
using PgEtcd.Testing;
using Shouldly;

namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>All calls of a test, with the clock that orders them: ticks of 100 ns since the start, never decreasing.</summary>
internal sealed class History
{
    /// <summary>The largest drift between the clock of the calls and that of the database.</summary>
    private static readonly TimeSpan Tolerance = TimeSpan.FromMilliseconds(100);

    private readonly DateTime _beginning = DateTime.UtcNow;
    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly ConcurrentQueue<Call> _calls = new();
    private readonly ConcurrentQueue<string> _accusations = new();

    public long Now => _clock.Elapsed.Ticks;

    public IReadOnlyCollection<Call> Calls => _calls;

    public void Add(Call call) => _calls.Enqueue(call);

    /// <summary>Adds a violation that a client has found itself.</summary>
    public void Accuse(string what) => _accusations.Enqueue(what);

    /// <summary>The log, on this clock.</summary>
    public async Task<IReadOnlyList<LogRow>> LogAsync(string database)
    {
        await using NpgsqlConnection connection = new(database);
        IEnumerable<(long, string, string?, DateTime)> rows = await connection.QueryAsync<(long, string, string?, DateTime)>("""
            select revision, convert_from(key, 'utf8'), convert_from(value, 'utf8'), committed_at
            from pgetcd.revisions order by revision, sub
            """);
        List<LogRow> log = [];
        foreach ((long revision, string key, string? value, DateTime at) in rows)
        {
            log.Add(new LogRow(revision, key, value ?? Operation.Absent, (at.ToUniversalTime() - _beginning).Ticks));
        }

        return log;
    }

    /// <summary>All violations in the answers, as shown by clients, revisions, the log and the order of values.</summary>
    public IReadOnlyList<string> Violations(IReadOnlyList<LogRow> log) =>
        [.. _accusations, .. RevisionOrder.Violations(_calls), .. LogCheck.Violations(_calls, log, Tolerance.Ticks), .. NotLinearizable()];

    /// <summary>Fails on any violation, and then leaves the history in a file.</summary>
    /// <param name="log">The log.</param>
    /// <param name="name">The name of the file, below artifacts/chaos.</param>
    public void ShouldBeRight(IReadOnlyList<LogRow> log, string name)
    {
        IReadOnlyList<string> violations = Violations(log);
        if (violations.Count > 0)
        {
            string path = Path.Combine(Repository.Root, "artifacts", "chaos", name);
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            File.WriteAllLines(path,
                [.. violations, "", .. log.Select(row => $"{row}"), "", .. _calls.OrderBy(call => call.Start).Select(call => $"{call}")]);
            violations.ShouldBeEmpty($"the whole history is in {path}");
        }
    }

    /// <summary>The verdict of the checker on the answers alone.</summary>
    private IEnumerable<string> NotLinearizable() =>
        LinearizabilityChecker.Violation(_calls.Where(Counts).SelectMany(call => call.Operations)) is { } violation ? [violation] : [];

    /// <summary>The size of the history.</summary>
    public string Summary(IReadOnlyList<LogRow> log)
    {
        IEnumerable<string> counts = _calls.CountBy(call => call.Outcome).Select(count => $"{count.Value} {count.Key}");
        return $"{string.Join(", ", counts)}, {log.Count} rows";
    }

    private static bool Counts(Call call) => call.Outcome is Outcome.Answered or Outcome.Unknown;
}
