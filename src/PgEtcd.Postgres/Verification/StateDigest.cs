using System.Buffers.Binary;
using System.Security.Cryptography;

namespace PgEtcd.Postgres.Verification;

/// <summary>A digest of a set of keys, whatever their order: different sets have different digests.</summary>
internal sealed class StateDigest
{
    private byte[] _buffer = new byte[256];
    private UInt128 _sum;

    /// <summary>The number of keys.</summary>
    public long Count { get; private set; }

    public void Add(ReadOnlySpan<byte> key, long createRevision, long modRevision, long version, long lease)
    {
        int length = key.Length + (4 * sizeof(long));
        if (_buffer.Length < length)
        {
            _buffer = new byte[length * 2];
        }

        Span<byte> row = _buffer.AsSpan(0, length);
        BinaryPrimitives.WriteInt64LittleEndian(row, createRevision);
        BinaryPrimitives.WriteInt64LittleEndian(row[8..], modRevision);
        BinaryPrimitives.WriteInt64LittleEndian(row[16..], version);
        BinaryPrimitives.WriteInt64LittleEndian(row[24..], lease);
        key.CopyTo(row[32..]);
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(row, hash);
        _sum += BinaryPrimitives.ReadUInt128LittleEndian(hash);
        Count++;
    }

    public bool IsThatOf(StateDigest other) => Count == other.Count && _sum == other._sum;
}
