using System.Buffers.Binary;

namespace PgEtcd.Snapshots;

/// <summary>A revision as a key of etcd's bucket <c>key</c>: main, an underscore, sub, and a <c>t</c> for a tombstone
/// (snapshot-format.md §10).</summary>
public static class RevisionKey
{
    /// <summary>The length of a tombstone's key; others are one byte shorter.</summary>
    public const int MostBytes = Length + 1;

    private const int Length = 17;
    private const byte Separator = (byte)'_';
    private const byte TombstoneMark = (byte)'t';

    /// <summary>Writes a revision.</summary>
    /// <param name="buffer">At least <see cref="MostBytes"/> long.</param>
    /// <param name="revision">Main revision.</param>
    /// <param name="sub">Sub revision.</param>
    /// <param name="isTombstone">Whether the change deletes its key.</param>
    /// <returns>The part of the buffer that was written.</returns>
    public static Span<byte> Write(Span<byte> buffer, long revision, long sub, bool isTombstone)
    {
        BinaryPrimitives.WriteInt64BigEndian(buffer, revision);
        buffer[8] = Separator;
        BinaryPrimitives.WriteInt64BigEndian(buffer[9..], sub);
        if (!isTombstone)
        {
            return buffer[..Length];
        }

        buffer[Length] = TombstoneMark;
        return buffer[..MostBytes];
    }

    /// <summary>Reads a revision; false if the key is not one, or the revision is negative.</summary>
    public static bool TryRead(ReadOnlySpan<byte> key, out long revision, out long sub, out bool isTombstone)
    {
        revision = 0;
        sub = 0;
        isTombstone = key.Length == MostBytes;
        if (key.Length is not (Length or MostBytes) || key[8] != Separator || (isTombstone && key[Length] != TombstoneMark))
        {
            return false;
        }

        revision = BinaryPrimitives.ReadInt64BigEndian(key);
        sub = BinaryPrimitives.ReadInt64BigEndian(key[9..]);
        return revision >= 0 && sub >= 0;
    }
}
