using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Api.Locks;

/// <summary>The contenders of an election as a watcher knows them. The oldest leads.</summary>
internal sealed class Candidates
{
    private readonly Dictionary<ReadOnlyMemory<byte>, KeyRecord> _byKey = new(BytesComparer.Instance);
    private readonly SortedSet<KeyRecord> _byAge = new(Comparer<KeyRecord>.Create(static (one, other) =>
        one.CreateRevision.CompareTo(other.CreateRevision) is var order && order != 0 ? order : one.Key.SequenceCompareTo(other.Key)));

    /// <param name="records">All contenders.</param>
    public Candidates(IEnumerable<KeyRecord> records)
    {
        foreach (KeyRecord record in records)
        {
            Add(record);
        }
    }

    /// <summary>The leader; null if there is no contender.</summary>
    public KeyRecord? Leader => _byAge.Min;

    /// <summary>Takes in a change.</summary>
    public void Apply(in KvEvent change)
    {
        if (_byKey.Remove(change.Key, out KeyRecord? before))
        {
            _byAge.Remove(before);
        }

        if (change.Record is { } record)
        {
            Add(record);
        }
    }

    private void Add(KeyRecord record)
    {
        _byKey.Add(record.KeyMemory, record);
        _byAge.Add(record);
    }
}
