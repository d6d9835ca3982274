using System.Buffers.Binary;
using System.Numerics;

namespace PgEtcd.Snapshots;

/// <summary>An entry of etcd's bucket <c>lease</c>: leasepb.Lease under its id.</summary>
/// <param name="Id">The lease's id.</param>
/// <param name="Ttl">The granted TTL, seconds.</param>
public readonly record struct SnapshotLease(long Id, long Ttl)
{
    private const int IdField = 1;
    private const int TtlField = 2;
    private const int MostVarintBytes = 10;

    /// <summary>Its key.</summary>
    internal byte[] EncodeKey()
    {
        byte[] key = new byte[sizeof(long)];
        BinaryPrimitives.WriteInt64BigEndian(key, Id);
        return key;
    }

    /// <summary>Its value.</summary>
    internal byte[] EncodeValue()
    {
        byte[] value = new byte[2 * (1 + MostVarintBytes)];
        int length = 0;
        Write(value, ref length, IdField, (ulong)Id);
        Write(value, ref length, TtlField, (ulong)Ttl);
        return value[..length];
    }

    /// <summary>Reads an entry; null if it is malformed.</summary>
    internal static SnapshotLease? Decode(ReadOnlyMemory<byte> value)
    {
        SnapshotLease lease = default;
        ProtoReader reader = new(value);
        while (reader.Next())
        {
            lease = reader.Field switch
            {
                IdField => lease with { Id = reader.Number },
                TtlField => lease with { Ttl = reader.Number },
                _ => lease, // the remaining TTL that etcd last stored; the lease starts anew
            };
        }

        return reader.IsBroken || lease.Id == 0 ? null : lease;
    }

    private static void Write(Span<byte> target, ref int at, int field, ulong value)
    {
        if (value == 0)
        {
            return;
        }

        target[at++] = (byte)(field << 3);
        for (int more = (BitOperations.Log2(value) / 7); more > 0; more--, value >>= 7)
        {
            target[at++] = (byte)(value | 0x80);
        }

        target[at++] = (byte)value;
    }
}
