namespace PgEtcd.Mvcc.Keys;

/// <summary>A change of a key.</summary>
/// <param name="Key">The changed key.</param>
/// <param name="Record">The new record; null for a delete.</param>
/// <param name="Previous">
/// The key at <paramref name="Revision"/> − 1, which a watch shows as prev_kv; null if the key did not exist. Never an earlier change of
/// the same revision.
/// </param>
/// <param name="Revision">Main revision.</param>
/// <param name="Sub">Position among the changes of the revision, from 0.</param>
public readonly record struct KvEvent(ReadOnlyMemory<byte> Key, KeyRecord? Record, KeyRecord? Previous, long Revision, int Sub)
{
    public bool IsDelete => Record is null;
}
