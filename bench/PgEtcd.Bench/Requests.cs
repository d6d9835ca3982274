using System.Globalization;
using System.Text;

namespace PgEtcd.Bench;

/// <summary>The requests, with the field numbers of etcd's rpc.proto.</summary>
public static class Requests
{
    public const int KeyCount = 100_000;
    public const int Digits = 8;
    public const int PutsPerTxn = 100; // below etcd's --max-txn-ops of 128
    public const string Keys = "/registry/bench/";
    public const string CasKeys = "/registry/cas/";
    public const string WatchedKeys = "/registry/watched/";
    private const int Mod = 2;

    /// <summary>256 bytes that do not compress.</summary>
    public static readonly byte[] Value = MakeValue();

    public static Message Put(string prefix) => new Message().Key(1, prefix, Digits).Bytes(2, Value);

    public static Message Range(bool serializable)
    {
        Message range = new Message().Key(1, Keys, Digits);
        return serializable ? range.Number(7, 1) : range;
    }

    /// <summary>A range of a thousand neighbouring keys: the number gives the five leading digits, and any three follow.</summary>
    public static Message RangeOfThousand() => new Message().Key(1, Keys, Digits - 3).Key(2, Keys, Digits - 3, [0xff]);

    /// <summary>The first ten of all keys under the prefix, like a page of a Kubernetes list.</summary>
    public static Message Page() => All(Keys).Number(3, 10);

    public static Message Count(string prefix) => All(prefix).Number(9, 1);

    /// <summary>An update as by kube-apiserver: if MOD(key) is the revision read, put; otherwise read again.</summary>
    public static Message CompareAndSwap() => new Message()
        .Nested(1, new Message().Number(2, Mod).Key(3, CasKeys, Digits).PaddedNumber(6))
        .Nested(2, new Message().Nested(2, Put(CasKeys)))
        .Nested(3, new Message().Nested(1, new Message().Key(1, CasKeys, Digits)));

    public static Message PutMany(string prefix)
    {
        Message txn = new();
        for (int i = 0; i < PutsPerTxn; i++)
        {
            txn.Nested(2, new Message().Nested(2, Put(prefix)));
        }

        return txn;
    }

    /// <summary>The key and range_end of a watch: all keys under a prefix that ends in a slash, otherwise one key.</summary>
    public static Message Watched(string key) => key.EndsWith('/') ? All(key) : new Message().Bytes(1, Encoding.ASCII.GetBytes(key));

    /// <summary>The key that the shim makes from a prefix and a number.</summary>
    public static string Key(string prefix, long number) => prefix + number.ToString($"D{Digits}", CultureInfo.InvariantCulture);

    /// <summary>A put of one fixed key.</summary>
    public static byte[] PutOne(string prefix, long number) =>
        new Message().Bytes(1, Encoding.ASCII.GetBytes(Key(prefix, number))).Bytes(2, Value).ToArray();

    public static Message Grant(long seconds) => new Message().Number(1, seconds);

    private static Message All(string prefix) =>
        new Message().Bytes(1, Encoding.ASCII.GetBytes(prefix)).Bytes(2, Encoding.ASCII.GetBytes(prefix[..^1] + "0"));

    private static byte[] MakeValue()
    {
        byte[] value = new byte[256];
        new Random(256).NextBytes(value);
        return value;
    }
}
