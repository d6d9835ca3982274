using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Trees;

/// <summary>
/// The part of a node's keys that a search compares first: their common prefix, and the next eight bytes of each key, as numbers side by
/// side. A search reads a few cache lines and then, nearly always, one key, whereas a search through the keys themselves would wait for
/// memory at every step (README.md has the measurement). Immutable: copies of a node share it.
/// </summary>
/// <param name="prefix">The common prefix.</param>
/// <param name="heads">The bytes after it, in the order of the keys.</param>
internal readonly struct KeyHeads(byte[] prefix, ulong[] heads)
{
    private readonly byte[] _prefix = prefix;
    private readonly ulong[] _heads = heads;

    /// <summary>The heads of records in key order.</summary>
    public static KeyHeads Of(ReadOnlySpan<KeyRecord> records) => Of(records, static record => record.Key);

    /// <summary>The heads of ascending keys.</summary>
    public static KeyHeads Of(ReadOnlySpan<byte[]> keys) => Of(keys, static key => key);

    /// <summary>
    /// Narrows a search: keys before <paramref name="from"/> are below the key, keys from <paramref name="to"/> on are above
    /// it. Only those between the two need a full comparison.
    /// </summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Narrow(ReadOnlySpan<byte> key, out int from, out int to)
    {
        ulong[] heads = _heads;
        if (!key.StartsWith(_prefix))
        {
            from = to = key.SequenceCompareTo(_prefix) < 0 ? 0 : heads.Length;
            return;
        }

        ulong head = Head(key[_prefix.Length..]);
        int low = 0;
        int high = heads.Length;
        while (low < high)
        {
            int middle = (low + high) >>> 1;
            if (heads[middle] < head)
            {
                low = middle + 1;
            }
            else
            {
                high = middle;
            }
        }

        from = low;
        while (low < heads.Length && heads[low] == head)
        {
            low++;
        }

        to = low;
    }

    /// <summary>The heads with one more key; null if the key lacks the common prefix, so that all heads must be made anew.</summary>
    public KeyHeads? TryInsert(int index, ReadOnlySpan<byte> key) => key.StartsWith(_prefix)
        ? new KeyHeads(_prefix, [.. _heads.AsSpan(0, index), Head(key[_prefix.Length..]), .. _heads.AsSpan(index)])
        : null;

    public KeyHeads RemoveAt(int index) =>
        new(_prefix, [.. _heads.AsSpan(0, index), .. _heads.AsSpan(index + 1)]);

    private static KeyHeads Of<T>(ReadOnlySpan<T> items, Func<T, ReadOnlySpan<byte>> keyOf)
    {
        if (items.IsEmpty)
        {
            return new KeyHeads([], []);
        }

        ReadOnlySpan<byte> first = keyOf(items[0]);
        byte[] prefix = first[..first.CommonPrefixLength(keyOf(items[^1]))].ToArray();
        ulong[] heads = new ulong[items.Length];
        for (int i = 0; i < heads.Length; i++)
        {
            heads[i] = Head(keyOf(items[i])[prefix.Length..]);
        }

        return new KeyHeads(prefix, heads);
    }

    /// <summary>The first eight bytes as a number. Short keys are padded with zeros, which may make unequal keys equal here, but never
    /// reverses their order.</summary>
    internal static ulong Head(ReadOnlySpan<byte> rest)
    {
        if (rest.Length >= sizeof(ulong))
        {
            return BinaryPrimitives.ReadUInt64BigEndian(rest);
        }

        ulong head = 0;
        for (int i = 0; i < rest.Length; i++)
        {
            head |= (ulong)rest[i] << (56 - 8 * i);
        }

        return head;
    }
}
