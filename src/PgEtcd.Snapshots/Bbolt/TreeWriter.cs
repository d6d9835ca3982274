namespace PgEtcd.Snapshots.Bbolt;

/// <summary>Builds the tree of one bucket from entries in key order, bottom-up: one page of each level is open, and a full page is
/// written and entered in the page above it.</summary>
/// <param name="write">Writes a page and returns its number.</param>
/// <param name="isMeasured">Whether entries come with the lengths of their values only.</param>
internal sealed class TreeWriter(Func<PageBuilder, ulong> write, bool isMeasured)
{
    /// <summary>Fewest children of a branch, whatever the length of their keys, as in bbolt: with one child each, no level would be smaller
    /// than the one below.</summary>
    private const int LeastChildren = 2;

    private readonly List<PageBuilder> _levels = [new PageBuilder(isLeaf: true, isMeasured)];
    private byte[] _lastKey = [];

    /// <summary>Adds an entry.</summary>
    /// <exception cref="ArgumentException">Its key is not above the last one.</exception>
    public void Add(ReadOnlySpan<byte> key, int valueLength, ReadOnlySpan<byte> value, bool isBucket = false)
    {
        if (key.SequenceCompareTo(_lastKey) <= 0)
        {
            throw new ArgumentException("Keys must ascend.", nameof(key));
        }

        if (_lastKey.Length != key.Length)
        {
            _lastKey = new byte[key.Length];
        }

        key.CopyTo(_lastKey);
        if (_levels[0].Count > 0 && !_levels[0].HasRoomFor(key.Length + valueLength))
        {
            Close(0);
        }

        _levels[0].AddEntry(key, valueLength, value, isBucket);
    }

    /// <summary>Writes the open pages and returns the root's number.</summary>
    public ulong Finish()
    {
        int level = 0;
        while (level < _levels.Count - 1)
        {
            Close(level++); // may add a level
        }

        return write(_levels[level]);
    }

    private void Close(int level)
    {
        PageBuilder page = _levels[level];
        ulong id = write(page);
        if (level + 1 == _levels.Count)
        {
            _levels.Add(new PageBuilder(isLeaf: false, isMeasured));
        }

        PageBuilder above = _levels[level + 1];
        if (above.Count >= LeastChildren && !above.HasRoomFor(page.FirstKey.Length))
        {
            Close(level + 1);
        }

        above.AddChild(page.FirstKey, id);
        page.Clear();
    }
}
