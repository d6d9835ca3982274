using System.Globalization;

namespace PgEtcd.Bench;

/// <summary>A bound on the ratio of the second server's median to the first's.</summary>
/// <param name="Bound">The last good value.</param>
/// <param name="AtMost">Whether less is better.</param>
/// <param name="Own">Whether the bound applies to the last server's own value, in a row that is a ratio of two others.</param>
public sealed record Target(double Bound, bool AtMost = false, bool Own = false)
{
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{(AtMost ? "<=" : ">=")} {Bound:0.0#}");

    /// <summary>Whether a row meets the target; null if there is nothing to compare.</summary>
    public bool? Met(Row row)
    {
        double value = Own ? row.Values[^1]?.Median ?? double.NaN : row.Ratio;
        return double.IsNaN(value) ? null : AtMost ? value <= Bound : value >= Bound;
    }
}

/// <summary>All targets of PgEtcd. A row without an entry is for information.</summary>
public static class Targets
{
    /// <summary>At least this many times etcd's throughput, by case.</summary>
    public static readonly IReadOnlyDictionary<string, double> Throughput = new Dictionary<string, double>
    {
        ["put 1"] = 0.9,
        ["put 50"] = 1.2,
        ["put 500"] = 1.6,
        ["range linearizable 1"] = 0.9,
        ["range linearizable 50"] = 3,
        ["range linearizable 500"] = 3,
        ["range serializable 1"] = 2,
        ["range serializable 50"] = 3,
        ["range serializable 500"] = 3,
        ["range of 1000 keys"] = 2,
        ["range limit 10 and count"] = 20,
    };

    /// <summary>At most this many seconds from start to /health, by number of keys.</summary>
    public static readonly IReadOnlyDictionary<int, double> StartSeconds = new Dictionary<int, double>
    {
        [0] = 1.5,
        [1_000_000] = 15,
    };

    /// <summary>At most this many times etcd's memory (the frontend alone), by number of keys.</summary>
    public static readonly IReadOnlyDictionary<int, double> Memory = new Dictionary<int, double>
    {
        [1_000_000] = 2,
    };

    /// <summary>At most this many times the latency of puts before a compaction, at p50 and p99, during removal.</summary>
    public const int Compaction = 3;

    /// <summary>Watches and leases, by row.</summary>
    public static readonly IReadOnlyDictionary<string, Target> Streams = new Dictionary<string, Target>
    {
        ["watch delivery, median"] = new(1.2, AtMost: true),
        ["fan-out to 1000: one put at a time"] = new(2),
        ["watched puts: with over without"] = new(0.9, Own: true),
        ["puts: three frontends over one, 33 in flight"] = new(0.85, Own: true),
        ["puts: three frontends over one, 300 in flight"] = new(0.85, Own: true),
    };
}
