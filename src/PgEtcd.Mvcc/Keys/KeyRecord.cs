using System.Numerics;

namespace PgEtcd.Mvcc.Keys;

/// <summary>
/// One version of one key. Immutable. It holds the encoded mvccpb.KeyValue (fields 1 key, 2 create revision, 3 mod revision, 4 version,
/// 5 value, 6 lease; zero and empty fields left out); key and value are slices of it.
/// </summary>
public sealed class KeyRecord
{
    private readonly byte[] _encoded;
    private readonly int _keyLength;
    private readonly int _valueLength;

    /// <summary>Makes a record. The bytes are copied.</summary>
    public KeyRecord(
        ReadOnlySpan<byte> key, ReadOnlySpan<byte> value, long createRevision, long modRevision, int sub, long version, long lease)
    {
        _keyLength = key.Length;
        _valueLength = value.Length;
        CreateRevision = createRevision;
        ModRevision = modRevision;
        Sub = sub;
        Version = version;
        Lease = lease;
        _encoded = GC.AllocateUninitializedArray<byte>(
            EncodedLength(key.Length, value.Length, createRevision, modRevision, version, lease));
        int at = 0;
        Write(_encoded, ref at, Tag.Key, key);
        Write(_encoded, ref at, Tag.Create, createRevision);
        Write(_encoded, ref at, Tag.Mod, modRevision);
        Write(_encoded, ref at, Tag.Version, version);
        Write(_encoded, ref at, Tag.Value, value);
        Write(_encoded, ref at, Tag.Lease, lease);
    }

    /// <summary>Main revision of the first put of this generation of the key.</summary>
    public long CreateRevision { get; }

    /// <summary>Main revision of the put that wrote this version.</summary>
    public long ModRevision { get; }

    /// <summary>Number of puts since the key was created, from 1.</summary>
    public long Version { get; }

    /// <summary>The lease the key is attached to, or 0.</summary>
    public long Lease { get; }

    /// <summary>Position of the put among the changes of its revision, from 0.</summary>
    public int Sub { get; }

    public ReadOnlySpan<byte> Key => _encoded.AsSpan(KeyStart, _keyLength);

    /// <summary>The key, as a slice of <see cref="Encoded"/>: a reference to it keeps the record's bytes alive.</summary>
    public ReadOnlyMemory<byte> KeyMemory => _encoded.AsMemory(KeyStart, _keyLength);

    public ReadOnlySpan<byte> Value => ValueMemory.Span;

    /// <summary>The value, as a slice of <see cref="Encoded"/>.</summary>
    public ReadOnlyMemory<byte> ValueMemory => _encoded.AsMemory(ValueFieldEnd - _valueLength, _valueLength);

    /// <summary>The KeyValue message as it goes on the wire.</summary>
    public ReadOnlyMemory<byte> Encoded => _encoded;

    /// <summary>Length in bytes of the message without its value, for keys_only.</summary>
    public int EncodedKeysOnlyLength => _encoded.Length - BytesFieldLength(_valueLength);

    private int KeyStart => _keyLength == 0 ? 0 : 1 + VarintLength((ulong)_keyLength);

    // Lease is the only field after the value.
    private int ValueFieldEnd => _encoded.Length - FieldLength(Lease);

    /// <summary>Length in bytes of the KeyValue message of a record with these fields.</summary>
    public static int EncodedLength(
        int keyLength, int valueLength, long createRevision, long modRevision, long version, long lease) =>
        BytesFieldLength(keyLength) + FieldLength(createRevision) + FieldLength(modRevision) + FieldLength(version)
            + BytesFieldLength(valueLength) + FieldLength(lease);

    /// <summary>Writes the message without its value: <see cref="EncodedKeysOnlyLength"/> bytes.</summary>
    public void CopyKeysOnly(Span<byte> destination)
    {
        int valueFieldStart = ValueFieldEnd - BytesFieldLength(_valueLength);
        _encoded.AsSpan(0, valueFieldStart).CopyTo(destination);
        _encoded.AsSpan(ValueFieldEnd).CopyTo(destination[valueFieldStart..]);
    }

    private static int VarintLength(ulong value) => (70 - BitOperations.LeadingZeroCount(value | 1)) / 7;

    private static int FieldLength(long value) => value == 0 ? 0 : 1 + VarintLength((ulong)value);

    private static int BytesFieldLength(int length) => length == 0 ? 0 : 1 + VarintLength((ulong)length) + length;

    private static void Write(byte[] target, ref int at, byte tag, long value)
    {
        if (value == 0)
        {
            return;
        }

        target[at++] = tag;
        WriteVarint(target, ref at, (ulong)value);
    }

    private static void Write(byte[] target, ref int at, byte tag, ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
        {
            return;
        }

        target[at++] = tag;
        WriteVarint(target, ref at, (ulong)bytes.Length);
        bytes.CopyTo(target.AsSpan(at));
        at += bytes.Length;
    }

    private static void WriteVarint(byte[] target, ref int at, ulong value)
    {
        for (; value >= 0x80; value >>= 7)
        {
            target[at++] = (byte)(value | 0x80);
        }

        target[at++] = (byte)value;
    }

    // Field number and wire type.
    private static class Tag
    {
        public const byte Key = 1 << 3 | 2;
        public const byte Create = 2 << 3;
        public const byte Mod = 3 << 3;
        public const byte Version = 4 << 3;
        public const byte Value = 5 << 3 | 2;
        public const byte Lease = 6 << 3;
    }
}
