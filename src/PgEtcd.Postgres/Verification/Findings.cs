namespace PgEtcd.Postgres.Verification;

/// <summary>The violations in a store: every one is counted, the first few of each invariant are told.</summary>
public sealed class Findings
{
    /// <summary>Violations of one invariant that are told in words.</summary>
    public const int MostTold = 10;

    private readonly Dictionary<Invariant, (long Count, List<string> Told)> _found = [];

    /// <summary>All violations.</summary>
    public long Count { get; private set; }

    /// <summary>How many of one invariant, and the first of them in a sentence each.</summary>
    public (long Count, IReadOnlyList<string> Told) Of(Invariant invariant) =>
        _found.TryGetValue(invariant, out (long Count, List<string> Told) found) ? found : (0, []);

    /// <summary>Notes one.</summary>
    public void Add(Invariant invariant, string sentence)
    {
        (long count, List<string> told) = _found.GetValueOrDefault(invariant, (0, []));
        if (told.Count < MostTold)
        {
            told.Add(sentence);
        }

        _found[invariant] = (count + 1, told);
        Count++;
    }
}
