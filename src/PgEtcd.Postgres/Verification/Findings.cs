namespace PgEtcd.Postgres.Verification;

/// <summary>The violations in a store: all are counted, and the first few of each invariant are described.</summary>
public sealed class Findings
{
    /// <summary>The number of violations of an invariant that are described.</summary>
    public const int MostTold = 10;

    private readonly Dictionary<Invariant, (long Count, List<string> Told)> _found = [];

    /// <summary>The number of all violations.</summary>
    public long Count { get; private set; }

    /// <summary>The number of violations of an invariant, and a sentence for each of the first.</summary>
    public (long Count, IReadOnlyList<string> Told) Of(Invariant invariant) =>
        _found.GetValueOrDefault(invariant, (0, []));

    /// <summary>Adds a violation.</summary>
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
