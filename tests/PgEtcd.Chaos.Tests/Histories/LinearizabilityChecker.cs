namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>Decides whether a single sequential store could have given all answers of a history: whether there is an order of the
/// operations that respects real time (an operation that ended before another began comes first) and in which each saw the value it
/// found. Keys are independent and are checked one by one.</summary>
/// <remarks>
/// The search is Wing and Gong's with Lowe's memory of positions: it tries any operation that may come next, and abandons a position,
/// the set of operations done with the value that they left, that it has already visited. Three rules keep it short:
/// <list type="bullet">
/// <item>An operation that changes nothing is done as soon as it may come and has seen the present value: later is no better.</item>
/// <item>An open operation whose value no other operation saw explains nothing and is left out. If its value was seen, and no other
/// operation leaves it, the operation came before the end of the first one that saw it.</item>
/// <item>Of open operations with the same effect, the one that began first is done first.</item>
/// </list>
/// </remarks>
internal sealed class LinearizabilityChecker
{
    /// <summary>More positions than any history of these tests needs; a history that needs more has too few answers.</summary>
    private const int MostPositions = 5_000_000;

    private readonly string _key;
    private readonly Operation[] _closed;
    private readonly Operation[] _open;

    /// <summary>For each open operation, the previous one with the same effect; -1 if there is none.</summary>
    private readonly int[] _twins;

    /// <summary>Closed operations, then open ones.</summary>
    private readonly bool[] _isDone;

    /// <summary>A random number for each operation. The exclusive or of those in a set identifies the set: among millions of sets, two have
    /// the same number with a probability of less than 2^-80.</summary>
    private readonly UInt128[] _marks;

    private readonly HashSet<(UInt128 Done, string Value)> _positions = [];
    private readonly Stack<(int Operation, string Before, bool IsOnly)> _path = [];
    private string _value = Operation.Absent;
    private UInt128 _done;
    private int _count;
    private int _first;

    private LinearizabilityChecker(string key, IEnumerable<Operation> operations)
    {
        _key = key;
        List<Operation> known = [.. WithDeadlines([.. operations])];
        _closed = [.. known.Where(operation => !operation.IsOpen).OrderBy(operation => operation.Start)];
        _open = [.. known.Where(operation => operation.IsOpen).OrderBy(operation => operation.Start)];
        _twins = [.. _open.Select((one, at) => Array.FindLastIndex(
            _open[..at], other => (other.Saw, other.If, other.Left) == (one.Saw, one.If, one.Left)))];
        _isDone = new bool[_closed.Length + _open.Length];
        Random random = new(1);
        _marks = [.. _isDone.Select(_ => new UInt128((ulong)random.NextInt64(), (ulong)random.NextInt64()))];
    }

    /// <summary>Why the history is not linearizable, for the first key that is not; null if all keys are.</summary>
    public static string? Violation(IEnumerable<Operation> history) => history
        .GroupBy(operation => operation.Key)
        .Select(key => new LinearizabilityChecker(key.Key, key).Search())
        .FirstOrDefault(violation => violation is not null);

    /// <summary>Leaves out open operations that explain nothing, and closes those that must have come by a certain moment.</summary>
    private static IEnumerable<Operation> WithDeadlines(List<Operation> operations)
    {
        HashSet<string?> known = [.. operations.Select(operation => operation.Saw), .. operations.Select(operation => operation.If)];
        ILookup<string?, Operation> leaving = operations.ToLookup(operation => operation.Left);
        Dictionary<string, long> seenBy = operations
            .Where(operation => operation.Saw is not null and not Operation.Absent)
            .GroupBy(operation => operation.Saw!)
            .ToDictionary(seen => seen.Key, seen => seen.Min(operation => operation.End));
        foreach (Operation operation in operations)
        {
            if (!operation.IsOpen)
            {
                yield return operation;
            }
            else if (operation.Left is not null && (operation.Left == Operation.Absent || known.Contains(operation.Left)))
            {
                bool isDue = seenBy.TryGetValue(operation.Left, out long deadline)
                    && deadline >= operation.Start && leaving[operation.Left].Count() == 1;
                yield return isDue ? operation with { End = deadline } : operation;
            }
        }
    }

    private string? Search()
    {
        (int most, string stuck) = (-1, "");
        int from = 0;
        while (_count < _closed.Length)
        {
            (int next, bool isOnly) = Next(from);
            if (next >= 0 && At(next).After(_value)! is string after && _positions.Add((_done ^ _marks[next], after)))
            {
                Do(next, after, isOnly);
                from = 0;
                continue;
            }

            if (next >= 0 && !isOnly)
            {
                from = next + 1;
                continue;
            }

            if (_positions.Count > MostPositions)
            {
                throw new InvalidOperationException($"{_key}: too many orders are possible to decide.");
            }

            if (_count > most)
            {
                (most, stuck) = (_count, Stuck());
            }

            do
            {
                if (_path.Count == 0)
                {
                    return stuck;
                }

                (from, isOnly) = Undo();
            }
            while (isOnly);
        }

        return null;
    }

    private Operation At(int operation) => operation < _closed.Length ? _closed[operation] : _open[operation - _closed.Length];

    /// <summary>Finds an operation that may come next.</summary>
    /// <param name="from">The first operation not yet tried here.</param>
    /// <returns>-1 if there is none. IsOnly: if this operation does not lead to the end, no other does.</returns>
    private (int Operation, bool IsOnly) Next(int from)
    {
        (int next, long deadline) = (-1, Operation.Never);
        for (int i = _first; i < _closed.Length && _closed[i].Start <= deadline; i++)
        {
            if (_isDone[i])
            {
                continue;
            }

            deadline = Math.Min(deadline, _closed[i].End);
            if (_closed[i].After(_value) is null)
            {
                continue;
            }

            if (_closed[i].Left is null)
            {
                return (i, true);
            }

            if (next < 0 && i >= from)
            {
                next = i;
            }
        }

        for (int i = Math.Max(0, from - _closed.Length); next < 0 && i < _open.Length && _open[i].Start <= deadline; i++)
        {
            if (!_isDone[_closed.Length + i] && (_twins[i] < 0 || _isDone[_closed.Length + _twins[i]])
                && _open[i].After(_value) is { } after && after != _value)
            {
                next = _closed.Length + i;
            }
        }

        return (next, false);
    }

    private void Do(int operation, string after, bool isOnly)
    {
        _path.Push((operation, _value, isOnly));
        _value = after;
        Mark(operation, isDone: true);
        while (_first < _closed.Length && _isDone[_first])
        {
            _first++;
        }
    }

    /// <returns>Where to look for the next candidate in its place, unless it was the only one.</returns>
    private (int From, bool IsOnly) Undo()
    {
        (int operation, _value, bool isOnly) = _path.Pop();
        Mark(operation, isDone: false);
        _first = Math.Min(_first, operation);
        return (operation + 1, isOnly);
    }

    private void Mark(int operation, bool isDone)
    {
        _isDone[operation] = isDone;
        _done ^= _marks[operation];
        _count += operation >= _closed.Length ? 0 : isDone ? 1 : -1;
    }

    private string Stuck()
    {
        long deadline = Enumerable.Range(0, _closed.Length).Where(i => !_isDone[i]).Min(i => _closed[i].End);
        IEnumerable<Operation> left = _closed.Where((operation, i) => !_isDone[i] && operation.Start <= deadline);
        IEnumerable<Operation> last = _path.Take(3).Reverse().Select(step => At(step.Operation));
        return $"{_key} is not linearizable: {_count} of {_closed.Length} operations are explained, last {string.Join("; ", last)}. "
            + $"It holds {(_value == Operation.Absent ? "nothing" : _value)}, and none of these can be next: {string.Join("; ", left)}";
    }
}
