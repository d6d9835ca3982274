namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>Compares the answers to clients with the log. No two puts of a history have the same value.</summary>
/// <remarks>
/// An acknowledged write is in the log once, at its revision, over the value that it saw, committed between request and answer. A read
/// saw the state at its revision. No refused write is in the log. A call of unknown outcome is there once as a whole, or not at
/// all. Each row comes from a call.
/// </remarks>
internal sealed class LogCheck
{
    private readonly IReadOnlyCollection<Call> _calls;
    private readonly long _tolerance;
    private readonly Dictionary<(long Revision, string Key), LogRow> _rows = [];
    private readonly Dictionary<string, List<LogRow>> _byKey;
    private readonly ILookup<string, LogRow> _byValue;
    private readonly HashSet<LogRow> _unclaimed;
    private readonly List<string> _violations = [];

    private LogCheck(IReadOnlyCollection<Call> calls, IReadOnlyCollection<LogRow> log, long tolerance)
    {
        _calls = calls;
        _tolerance = tolerance;
        _byKey = log.GroupBy(row => row.Key).ToDictionary(key => key.Key, key => key.ToList());
        _byValue = log.Where(row => row.Value != Operation.Absent).ToLookup(row => row.Value);
        _unclaimed = [.. log];
        foreach (LogRow row in log)
        {
            if (!_rows.TryAdd((row.Revision, row.Key), row))
            {
                _violations.Add($"The log has two rows of {row.Key} at revision {row.Revision}.");
            }
        }
    }

    /// <summary>All contradictions between calls and log.</summary>
    /// <param name="calls">All calls.</param>
    /// <param name="log">All rows, in order.</param>
    /// <param name="tolerance">The largest difference between the clocks of clients and database, in ticks of the history's clock.</param>
    public static IReadOnlyList<string> Violations(IReadOnlyCollection<Call> calls, IReadOnlyCollection<LogRow> log, long tolerance)
    {
        LogCheck check = new(calls, log, tolerance);
        check.Run();
        return check._violations;
    }

    private void Run()
    {
        foreach (IGrouping<string, LogRow> value in _byValue.Where(value => value.Count() > 1))
        {
            _violations.Add($"{value.Key} is in the log more than once: {string.Join(" and ", value)}.");
        }

        foreach (Call call in _calls)
        {
            switch (call.Outcome)
            {
                case Outcome.Answered or Outcome.AnsweredFromMemory:
                    foreach (Operation operation in call.Operations)
                    {
                        CheckAnswer(call, operation);
                    }

                    break;
                case Outcome.Refused when Rows(call).Any():
                    _violations.Add($"{call}, and yet it is in the log: {string.Join(", ", Rows(call))}.");
                    break;
                case Outcome.Unknown when IsTorn(call):
                    _violations.Add($"{call}, and part of it is in the log: {string.Join(", ", Rows(call))}.");
                    break;
            }
        }

        CheckUnclaimed();
    }

    private void CheckAnswer(Call call, Operation operation)
    {
        if (call.Revision == 0)
        {
            return;
        }

        string before = ValueAt(operation.Key, call.Revision - 1);
        LogRow? row = _rows.GetValueOrDefault((call.Revision, operation.Key));
        if (operation.Left is null)
        {
            string value = row?.Value ?? before;
            Check(operation.Saw is null || operation.Saw == value, call, $"the log has {operation.Key} = {value} there");
        }
        else if (operation.If is not null)
        {
            Check((row?.Value ?? before) != operation.If, call, $"{operation.Key} still has that value in the log");
            if (row?.Value == operation.Left && before == operation.If)
            {
                Claim(call, row);
            }
        }
        else if (row?.Value != operation.Left)
        {
            Check(false, call, $"acknowledged, and not in the log, which has {row?.ToString() ?? $"no row of {operation.Key}"} there");
        }
        else
        {
            Check(operation.Saw is null || operation.Saw == before, call, $"{operation.Key} was {before} before, says the log");
            Claim(call, row);
        }
    }

    private void Claim(Call call, LogRow row)
    {
        Check(_unclaimed.Remove(row), call, $"{row} is another's");
        Check(row.At >= call.Start - _tolerance && row.At <= call.End + _tolerance, call, $"committed at another time: {row}");
    }

    /// <summary>Finds an operation of unknown outcome for each row that no answer explains.</summary>
    private void CheckUnclaimed()
    {
        Dictionary<(string, string), List<Operation>> open = _calls
            .Where(call => call.Outcome == Outcome.Unknown)
            .SelectMany(call => call.Operations)
            .Where(operation => operation.Left is not null)
            .OrderBy(operation => operation.If is null).ThenBy(operation => operation.Start)
            .GroupBy(operation => (operation.Key, operation.Left!))
            .ToDictionary(same => same.Key, same => same.ToList());
        foreach (LogRow row in _unclaimed.OrderBy(row => row.Revision))
        {
            string before = ValueAt(row.Key, row.Revision - 1);
            List<Operation> same = open.GetValueOrDefault((row.Key, row.Value), []);
            int found = same.FindIndex(operation =>
                (operation.If is null || operation.If == before) && row.At >= operation.Start - _tolerance);
            if (found >= 0)
            {
                same.RemoveAt(found);
            }
            else
            {
                _violations.Add($"No call explains {row}, over {before}; there are {string.Join("; ", same)}.");
            }
        }
    }

    private void Check(bool isRight, Call call, string what)
    {
        if (!isRight)
        {
            _violations.Add($"{call}: {what}.");
        }
    }

    /// <summary>Puts of several keys in one call must come together.</summary>
    private bool IsTorn(Call call)
    {
        LogRow[] rows = [.. Rows(call)];
        int puts = call.Operations.Count(operation => operation.Left is not null and not Operation.Absent);
        return rows.Length > 0 && (rows.Length != puts || rows.Any(row => row.Revision != rows[0].Revision));
    }

    private IEnumerable<LogRow> Rows(Call call) => call.Operations
        .Where(operation => operation.Left is not null and not Operation.Absent)
        .SelectMany(operation => _byValue[operation.Left!]);

    private string ValueAt(string key, long revision)
    {
        List<LogRow> rows = _byKey.GetValueOrDefault(key, []);
        (int low, int high) = (0, rows.Count);
        while (low < high)
        {
            int middle = (low + high) / 2;
            (low, high) = rows[middle].Revision <= revision ? (middle + 1, high) : (low, middle);
        }

        return low == 0 ? Operation.Absent : rows[low - 1].Value;
    }
}
