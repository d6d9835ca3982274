using System.Text;
using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Mvcc.Tests;

/// <summary>Keys and ranges for the tests.</summary>
internal static class TestKeys
{
    public static readonly IComparer<byte[]> Order =
        Comparer<byte[]>.Create(static (a, b) => a.AsSpan().SequenceCompareTo(b));

    public static KeyRange All => new(new byte[1], new byte[1]);

    public static byte[] Numbered(int i) => Encoding.ASCII.GetBytes($"/registry/things/{i:D8}");

    public static KeyRecord Record(ReadOnlySpan<byte> key, long revision = 1) =>
        new(key, "value"u8, revision, revision, 0, 1, 0);

    /// <summary>A key that is not empty; few letters, so that keys are often prefixes of others; also zeros and 0xff.</summary>
    public static byte[] Random(Random random, string beginning = "")
    {
        ReadOnlySpan<byte> letters = [0x00, 0x01, (byte)'a', (byte)'b', (byte)'/', 0x7f, 0x80, 0xff];
        byte[] rest = new byte[random.Next(1, 14)];
        for (int i = 0; i < rest.Length; i++)
        {
            rest[i] = letters[random.Next(letters.Length)];
        }

        return [.. Encoding.ASCII.GetBytes(beginning), .. rest];
    }

    /// <summary>Every convention of range_end, also inverted.</summary>
    public static byte[] RandomEnd(Random random, byte[][] pool) => random.Next(4) switch
    {
        0 => [],
        1 => [0],
        _ => pool[random.Next(pool.Length)],
    };

    public static KeyRange RandomRange(Random random, byte[][] pool) =>
        new(pool[random.Next(pool.Length)], RandomEnd(random, pool));
}
