namespace PgEtcd.Bench;

/// <summary>The effect of a case on the revision, which decides how its answers are checked.</summary>
public enum Effect
{
    /// <summary>The revision stays; the size of the answers shows that they are complete.</summary>
    Read,

    /// <summary>Every request moves the revision by one.</summary>
    Write,

    /// <summary>As Write, on keys loaded for the case, each used once.</summary>
    CompareAndSwap,
}

/// <summary>One row of throughput.</summary>
/// <param name="Name">The name in the table and in <see cref="Targets"/>.</param>
/// <param name="Method">Service and method.</param>
/// <param name="InFlight">Requests in flight.</param>
/// <param name="Request">The body, with its marks.</param>
/// <param name="Numbers">How the marks are filled.</param>
/// <param name="Effect">The effect on the revision.</param>
/// <param name="Keys">The number of keys in an answer.</param>
public sealed record Workload(string Name, string Method, int InFlight, Message Request, Numbers Numbers, Effect Effect, int Keys = 0)
{
    /// <summary>Every case, in the order of the table.</summary>
    public static IReadOnlyList<Workload> All { get; } = [.. Build()];

    private static IEnumerable<Workload> Build()
    {
        Numbers anyKey = new(Requests.KeyCount);
        foreach (int inFlight in new[] { 1, 50, 500 })
        {
            yield return new($"put {inFlight}", "KV/Put", inFlight, Requests.Put(Requests.Keys), anyKey, Effect.Write);
        }

        foreach (bool serializable in new[] { false, true })
        {
            foreach (int inFlight in new[] { 1, 50, 500 })
            {
                yield return new(
                    $"range {(serializable ? "serializable" : "linearizable")} {inFlight}", "KV/Range", inFlight,
                    Requests.Range(serializable), anyKey, Effect.Read, 1);
            }
        }

        yield return new(
            "range of 1000 keys", "KV/Range", 10, Requests.RangeOfThousand(),
            new(Requests.KeyCount / 1000, Requests.Digits - 3, Shared: true), Effect.Read, 1000);
        yield return new("range limit 10 and count", "KV/Range", 10, Requests.Page(), anyKey, Effect.Read, 10);
        yield return new(
            "compare-and-swap txn 50", "KV/Txn", 50, Requests.CompareAndSwap(), new(0, Once: true, Shared: true),
            Effect.CompareAndSwap);
    }
}
