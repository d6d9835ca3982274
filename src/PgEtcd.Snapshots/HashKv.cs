using System.Buffers.Binary;
using System.Numerics;

namespace PgEtcd.Snapshots;

/// <summary>etcd's HashKV over a history (semantics.md §10.1): CRC-32C over the name of the bucket and over each entry that
/// counts, as it is stored.</summary>
/// <param name="revision">The revision to hash at.</param>
/// <param name="compactRevision">The compaction mark; -1 when never compacted.</param>
/// <param name="anyKept">Whether any key is there at the revision. If none is, etcd does not look which entries a
/// compaction would keep.</param>
public sealed class HashKv(long revision, long compactRevision, bool anyKept)
{
    private uint _state = Update(uint.MaxValue, "key"u8);

    /// <summary>The hash so far.</summary>
    public uint Value => ~_state;

    /// <summary>Adds an entry; they come in order.</summary>
    /// <param name="main">Main revision.</param>
    /// <param name="sub">Sub revision.</param>
    /// <param name="isTombstone">Whether it deletes its key.</param>
    /// <param name="isKept">Whether it is what its key holds at the revision: its newest entry up to there, and a put.</param>
    /// <param name="keyValue">The mvccpb.KeyValue.</param>
    public void Add(long main, long sub, bool isTombstone, bool isKept, ReadOnlySpan<byte> keyValue)
    {
        if (main > revision || (main <= compactRevision && anyKept && !isKept) || (main == compactRevision && isTombstone))
        {
            return;
        }

        _state = Update(_state, RevisionKey.Write(stackalloc byte[RevisionKey.MostBytes], main, sub, isTombstone));
        _state = Update(_state, keyValue);
    }

    private static uint Update(uint state, ReadOnlySpan<byte> bytes)
    {
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            state = BitOperations.Crc32C(state, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte b in bytes)
        {
            state = BitOperations.Crc32C(state, b);
        }

        return state;
    }
}
