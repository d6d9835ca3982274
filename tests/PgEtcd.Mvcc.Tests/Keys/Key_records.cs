using PgEtcd.Mvcc.Keys;
using Shouldly;
using Xunit;

namespace PgEtcd.Mvcc.Tests.Keys;

public class Key_records
{
    [Fact]
    public void Are_encoded_as_protobuf_encodes_a_KeyValue()
    {
        KeyRecord record = new("k"u8, "vv"u8, 2, 300, 7, 5, -1);
        byte[] expected =
        [
            0x0a, 1, (byte)'k', 0x10, 2, 0x18, 0xac, 0x02, 0x20, 5, 0x2a, 2, (byte)'v', (byte)'v',
            0x30, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01,
        ];
        record.Encoded.ToArray().ShouldBe(expected);
        byte[] keysOnly = new byte[record.EncodedKeysOnlyLength];
        record.CopyKeysOnly(keysOnly);
        keysOnly.ShouldBe([.. expected[..10], .. expected[14..]]);
    }

    [Fact]
    public void Leave_out_what_is_zero_or_empty()
    {
        KeyRecord record = new("k"u8, [], 0, 0, 0, 0, 0);
        record.Encoded.ToArray().ShouldBe([0x0a, 1, (byte)'k']);
        record.EncodedKeysOnlyLength.ShouldBe(3);
        record.Value.IsEmpty.ShouldBeTrue();
        new KeyRecord([], [], 0, 0, 0, 0, 0).Key.IsEmpty.ShouldBeTrue();
    }

    [Theory]
    [InlineData(1, 0, 0)]
    [InlineData(127, 127, 1)]
    [InlineData(128, 128, 0)]
    [InlineData(16384, 20000, long.MaxValue)]
    [InlineData(3, 1_500_000, long.MinValue)]
    public void Give_back_what_went_in(int keyLength, int valueLength, long lease)
    {
        Random random = new(keyLength);
        byte[] key = new byte[keyLength];
        byte[] value = new byte[valueLength];
        random.NextBytes(key);
        random.NextBytes(value);
        KeyRecord record = new(key, value, 11, long.MaxValue, 3, 1L << 40, lease);
        record.Key.SequenceEqual(key).ShouldBeTrue();
        record.KeyMemory.Span.SequenceEqual(key).ShouldBeTrue();
        record.Value.SequenceEqual(value).ShouldBeTrue();
        record.ValueMemory.Span.SequenceEqual(value).ShouldBeTrue();
        (record.CreateRevision, record.ModRevision, record.Sub, record.Version, record.Lease)
            .ShouldBe((11, long.MaxValue, 3, 1L << 40, lease));
        byte[] keysOnly = new byte[record.EncodedKeysOnlyLength];
        record.CopyKeysOnly(keysOnly);
        keysOnly.ShouldBe(new KeyRecord(key, [], 11, long.MaxValue, 3, 1L << 40, lease).Encoded.ToArray());
    }
}
