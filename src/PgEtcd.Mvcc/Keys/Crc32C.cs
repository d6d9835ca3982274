using System.Buffers.Binary;
using System.Numerics;

namespace PgEtcd.Mvcc.Keys;

/// <summary>CRC-32 with Castagnoli's polynomial, piece by piece; the processor has an instruction for it.</summary>
public struct Crc32C
{
    // Kept inverted, so that the default value is the CRC of nothing.
    private uint _inverted;

    /// <summary>Begins with bytes.</summary>
    public Crc32C(ReadOnlySpan<byte> bytes) => Add(bytes);

    /// <summary>The checksum of all bytes so far.</summary>
    public readonly uint Value => _inverted;

    /// <summary>Adds bytes.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        uint crc = ~_inverted;
        for (; bytes.Length >= sizeof(ulong); bytes = bytes[sizeof(ulong)..])
        {
            crc = BitOperations.Crc32C(crc, BinaryPrimitives.ReadUInt64LittleEndian(bytes));
        }

        foreach (byte one in bytes)
        {
            crc = BitOperations.Crc32C(crc, one);
        }

        _inverted = ~crc;
    }
}
