using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Console.Texts;

/// <summary>Ranges of keys.</summary>
internal static class Ranges
{
    private static readonly byte[] Open = [0];

    /// <summary>All keys with a prefix.</summary>
    public static KeyRange Prefix(byte[] prefix) => new(prefix, End(prefix) ?? Open);

    /// <summary>The keys from start to before end; end null: to the end of the store.</summary>
    public static KeyRange Between(byte[] start, byte[]? end) => new(start, end ?? Open);

    /// <summary>One key.</summary>
    public static KeyRange One(byte[] key) => new(key, default);

    /// <summary>The exclusive end of the keys with a prefix; null if the range is open.</summary>
    public static byte[]? End(ReadOnlySpan<byte> prefix)
    {
        int last = prefix.LastIndexOfAnyExcept((byte)0xff);
        if (last < 0)
        {
            return null;
        }

        byte[] end = prefix[..(last + 1)].ToArray();
        end[last]++;
        return end;
    }

    /// <summary>The key directly after another.</summary>
    public static byte[] After(ReadOnlySpan<byte> key) => [.. key, 0];
}
