namespace PgEtcd.Postgres.Verification;

/// <summary>A statement that is true of every store (design §2), whatever has written and compacted it.</summary>
/// <param name="Name">One word, for reports.</param>
/// <param name="Meaning">The statement.</param>
public sealed record Invariant(string Name, string Meaning)
{
    /// <summary>The marks beside the log.</summary>
    public static readonly Invariant Cluster = new("cluster", "each row beside the log exists once, and they fit the log and each other");

    /// <summary>Design §2, invariant 2.</summary>
    public static readonly Invariant Sequence = new("sequence", "the sequence is not behind the log");

    /// <inheritdoc cref="Sequence"/>
    public static readonly Invariant Revisions = new("revisions", "from the compact revision on, revisions are consecutive");

    /// <summary>The order within a transaction.</summary>
    public static readonly Invariant Subs = new("subs", "the changes of a revision are numbered from 0 on without gaps");

    /// <summary>Design §2, invariant 4: a revision is appended as a whole.</summary>
    public static readonly Invariant Together = new(
        "together", "the changes of a revision were made together: at one time, by one user and client, through one frontend");

    /// <summary>functions/digest.sql.</summary>
    public static readonly Invariant Digest = new("digest", "no row that was recorded has been changed, removed or added");

    /// <summary>Design §2, committed_at.</summary>
    public static readonly Invariant Times = new("times", "committed_at never goes back as revisions go up");

    /// <summary>A row by itself.</summary>
    public static readonly Invariant Rows = new(
        "rows", "each change has a key, and a create revision, version and lease that are possible");

    /// <summary>semantics.md §0.</summary>
    public static readonly Invariant Versions = new("versions", "create_revision and version continue from the previous change");

    /// <summary>A delete of nothing is no change.</summary>
    public static readonly Invariant Tombstones = new("tombstones", "each delete removed an existing key");

    /// <summary>semantics.md §6.</summary>
    public static readonly Invariant Compaction = new("compaction", "compaction left what each key held at the compact revision");

    /// <summary>Design §8.</summary>
    public static readonly Invariant Archive = new(
        "archive",
        "no row is both in the log and in the archive, none that the API shows is in the archive, and the kept history is whole");

    /// <summary>Design §7.</summary>
    public static readonly Invariant Leases = new("leases", "every key's lease exists");

    /// <summary>Design §9.</summary>
    public static readonly Invariant CurrentState = new("current_state", "the view current_state shows what a replay of the log gives");

    /// <summary>All of them, in the order of reports.</summary>
    public static readonly IReadOnlyList<Invariant> All =
        [
            Cluster, Sequence, Revisions, Subs, Together, Digest, Times, Rows, Versions, Tombstones, Compaction, Archive, Leases,
            CurrentState];
}
