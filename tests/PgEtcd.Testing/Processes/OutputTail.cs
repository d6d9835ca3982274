namespace PgEtcd.Testing.Processes;

/// <summary>The last lines of a process's output.</summary>
internal sealed class OutputTail
{
    private const int Limit = 400;

    private readonly Queue<string> _lines = new();

    public void Add(string line)
    {
        lock (_lines)
        {
            _lines.Enqueue(line);
            if (_lines.Count > Limit)
            {
                _lines.Dequeue();
            }
        }
    }

    public override string ToString()
    {
        lock (_lines)
        {
            return string.Join('\n', _lines);
        }
    }
}
