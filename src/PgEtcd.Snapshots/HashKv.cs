using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Snapshots;

/// <summary>etcd's HashKV over a history (semantics.md §10.1): CRC-32C over the name of the bucket and over each entry that
/// counts, as it is stored.</summary>
/// <param name="revision">The revision to hash at.</param>
/// <param name="compactRevision">The compaction mark; -1 if never compacted.</param>
/// <param name="anyKept">Whether any key exists at the revision. If none does, etcd does not check which entries a
/// compaction would keep.</param>
public sealed class HashKv(long revision, long compactRevision, bool anyKept)
{
    private Crc32C _crc = new("key"u8);

    /// <summary>The hash so far.</summary>
    public uint Value => _crc.Value;

    /// <summary>Adds the next entry, in order.</summary>
    /// <param name="main">Main revision.</param>
    /// <param name="sub">Sub revision.</param>
    /// <param name="isTombstone">Whether it deletes its key.</param>
    /// <param name="isKept">Whether it is the value of its key at the revision: its newest entry up to there, and a put.</param>
    /// <param name="keyValue">The mvccpb.KeyValue.</param>
    public void Add(long main, long sub, bool isTombstone, bool isKept, ReadOnlySpan<byte> keyValue)
    {
        if (main > revision || (main <= compactRevision && anyKept && !isKept) || (main == compactRevision && isTombstone))
        {
            return;
        }

        _crc.Add(RevisionKey.Write(stackalloc byte[RevisionKey.MostBytes], main, sub, isTombstone));
        _crc.Add(keyValue);
    }
}
