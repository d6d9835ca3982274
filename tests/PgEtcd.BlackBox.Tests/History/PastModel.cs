using PgEtcd.Protocol.Etcdserverpb;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.History;

/// <summary>Makes random writes, one request after another, and remembers the keys at every revision.</summary>
internal sealed class PastModel(int seed)
{
    private readonly Random _random = new(seed);
    private readonly Dictionary<long, SortedDictionary<string, string>> _states = [];
    private SortedDictionary<string, string> _now = new(StringComparer.Ordinal);

    /// <summary>The newest revision.</summary>
    public long Last { get; private set; } = 1;

    /// <summary>The keys at a revision, each as it is compared.</summary>
    public string[] At(long revision) => [.. _states[revision].Values];

    /// <summary>One key at a revision.</summary>
    public string[] At(long revision, string key) => _states[revision].TryGetValue(key, out string? value) ? [value] : [];

    /// <summary>A key as it is compared, with all fields that a client sees.</summary>
    public static string Describe(Protocol.Mvccpb.KeyValue kv) =>
        Describe(kv.Key.ToStringUtf8(), kv.Value.ToStringUtf8(), kv.CreateRevision, kv.ModRevision, kv.Version);

    /// <summary>Makes this number of revisions.</summary>
    public async Task WriteAsync(Kv kv, int revisions)
    {
        for (long end = Last + revisions; Last < end;)
        {
            string key = RandomKey();
            switch (_random.Next(10))
            {
                case < 2 when _now.ContainsKey(key):
                    Take(await kv.DeleteAsync(key), [], [key]);
                    break;
                case 2:
                    string other = key + "+";
                    TxnRequest txn = Txn(Op(Put(key, "t")), Op(Txn(Op(Put(other, "u")))));
                    Take((await kv.SendAsync(txn)).Header.Revision, [(key, "t"), (other, "u")], []);
                    break;
                default:
                    string value = $"{_random.Next()}";
                    Take(await kv.PutAsync(key, value), [(key, value)], []);
                    break;
            }
        }
    }

    /// <summary>A random key of those written.</summary>
    public string RandomKey() => $"past/{_random.Next(20):00}";

    /// <summary>A random revision from the first write on.</summary>
    public long RandomRevision(long below) => _random.NextInt64(2, below);

    private static string Describe(string key, string value, long create, long mod, long version) =>
        $"{key}={value} {create}/{mod}/{version}";

    private void Take(long revision, (string Key, string Value)[] puts, string[] deletes)
    {
        _now = new SortedDictionary<string, string>(_now, StringComparer.Ordinal);
        foreach ((string key, string value) in puts)
        {
            string[] before = _now.TryGetValue(key, out string? described) ? described.Split(' ')[1].Split('/') : [$"{revision}", "", "0"];
            _now[key] = Describe(key, value, Number(before[0]), revision, Number(before[2]) + 1);
        }

        foreach (string key in deletes)
        {
            _now.Remove(key);
        }

        _states[revision] = _now;
        Last = revision;

        static long Number(string text) => long.Parse(text, System.Globalization.CultureInfo.InvariantCulture);
    }
}
