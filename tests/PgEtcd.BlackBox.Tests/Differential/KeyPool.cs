using Google.Protobuf;

namespace PgEtcd.BlackBox.Tests.Differential;

/// <summary>The keys and ranges of random requests; few, so that they collide.</summary>
internal sealed class KeyPool(Random random)
{
    /// <summary>Every key from the given one on.</summary>
    public static ByteString OpenEnd { get; } = Bytes(0x00);

    /// <summary>
    /// At most twelve keys: etcd sorts so many stably, so ties stay in key order and sorted ranges over them have one
    /// right answer.
    /// </summary>
    private static readonly ByteString[] Few =
    [
        Bytes(0x00), Bytes(0x00, 0x00), Text("a"), Text("a", 0x00), Text("a", 0xff), Text("aa"), Text("ab"), Text("b"),
        Text("b", 0xff), Text("b", 0xff, 0xff), Text("ba"), Text("c"),
    ];

    /// <summary>A key above all of the few.</summary>
    private static readonly ByteString[] Many =
    [
        .. Enumerable.Range(0, 30).Select(i => Text($"m/{i:00}")),
        .. Enumerable.Range(0, 10).Select(i => Text($"m/x/{i}")),
        Bytes(0xff), Bytes(0xff, 0x00), Bytes(0xff, 0xff), Text("z"),
    ];

    // Without the open end, which is also the first of the few keys.
    private static readonly ByteString[] FewEnds = [
        .. Few[1..], Text("a", 0x01), Text("b", 0xfe), Text("d"), Text("m"), Text("b", 0xff, 0xff, 0xff)];
    private static readonly ByteString[] AllEnds = [
        OpenEnd, .. FewEnds, .. Many, Text("m0"), Text("m/y"), Text("n"), Bytes(0xff, 0xff, 0xff)];

    /// <summary>Any key.</summary>
    public ByteString Key() => random.Next(100) < 70 ? OneOf(Few) : OneOf(Many);

    /// <summary>A key and a range end of any convention: none, open, prefix, some other key, inverted.</summary>
    public (ByteString Key, ByteString End) Range() => random.Next(10) switch
    {
        < 3 => (Key(), ByteString.Empty),
        3 => (Key(), OpenEnd),
        4 => (OpenEnd, OpenEnd),
        5 or 6 => Prefix(Key()),
        _ => (Key(), OneOf(AllEnds)),
    };

    /// <summary>A range that contains only some of the few keys.</summary>
    public (ByteString Key, ByteString End) SmallRange() => random.Next(10) switch
    {
        < 2 => (OneOf(Few), ByteString.Empty),
        2 or 3 => Prefix(OneOf(Few[2..])),
        4 or 5 => (Few[0], Text("m")),
        _ => (OneOf(Few), OneOf(FewEnds)),
    };

    /// <summary>The range of all keys with this prefix, as etcd's clients compute it.</summary>
    private static (ByteString Key, ByteString End) Prefix(ByteString prefix)
    {
        byte[] end = prefix.ToByteArray();
        for (int i = end.Length - 1; i >= 0; i--)
        {
            if (end[i] == 0xff)
            {
                continue;
            }

            end[i]++;
            return (prefix, ByteString.CopyFrom(end, 0, i + 1));
        }

        return (prefix, OpenEnd);
    }

    private ByteString OneOf(ByteString[] from) => from[random.Next(from.Length)];

    private static ByteString Bytes(params byte[] bytes) => ByteString.CopyFrom(bytes);

    private static ByteString Text(string text, params byte[] more) =>
        ByteString.CopyFrom([.. System.Text.Encoding.ASCII.GetBytes(text), .. more]);
}
