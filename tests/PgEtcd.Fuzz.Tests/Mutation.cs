using System.Buffers.Binary;
using System.Text;

namespace PgEtcd.Fuzz.Tests;

/// <summary>Mutates valid input as a broken or hostile program might.</summary>
internal static class Mutation
{
    private static readonly long[] Edges = [
        0, 1, -1, 127, 128, 255, 256, 32767, 65535, int.MaxValue, int.MinValue, uint.MaxValue, long.MaxValue, long.MinValue];

    /// <summary>A few changes of bytes: flipped, overwritten, removed, inserted, repeated, cut off, or a number of extreme size.</summary>
    public static byte[] Of(Random random, ReadOnlySpan<byte> bytes)
    {
        List<byte> changed = [.. bytes];
        for (int changes = random.Next(1, 6); changes > 0; changes--)
        {
            int at = random.Next(changed.Count + 1);
            int length = random.Next(Math.Min(changed.Count - at, 64) + 1);
            switch (random.Next(7))
            {
                case 0 when at < changed.Count:
                    changed[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1 when at < changed.Count:
                    changed[at] = (byte)random.Next(256);
                    break;
                case 2:
                    changed.RemoveRange(at, length);
                    break;
                case 3:
                    byte[] noise = new byte[random.Next(32)];
                    random.NextBytes(noise);
                    changed.InsertRange(at, noise);
                    break;
                case 4:
                    changed.InsertRange(at, changed.GetRange(at, length));
                    break;
                case 5 when random.Next(4) == 0:
                    changed.RemoveRange(at, changed.Count - at);
                    break;
                default:
                    WriteEdge(random, changed, at);
                    break;
            }
        }

        return [.. changed];
    }

    /// <summary>The same for text, which stays valid UTF-8.</summary>
    public static string Of(Random random, string text) => Encoding.UTF8.GetString(Of(random, Encoding.UTF8.GetBytes(text)));

    private static void WriteEdge(Random random, List<byte> bytes, int at)
    {
        Span<byte> number = stackalloc byte[8];
        long edge = Edges[random.Next(Edges.Length)];
        if (random.Next(2) == 0)
        {
            BinaryPrimitives.WriteInt64LittleEndian(number, edge);
        }
        else
        {
            BinaryPrimitives.WriteInt64BigEndian(number, edge);
        }

        int length = 1 << random.Next(4);
        for (int i = 0; i < length && at + i < bytes.Count; i++)
        {
            bytes[at + i] = number[i];
        }
    }
}
