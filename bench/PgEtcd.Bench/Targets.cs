namespace PgEtcd.Bench;

/// <summary>What PgEtcd must reach, all in one place. A row without an entry is shown for information.</summary>
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
}
