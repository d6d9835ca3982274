using PgEtcd.Mvcc.Keys;

namespace PgEtcd.Postgres.Revisions;

/// <summary>The events of one group commit, as columns of the append's arguments.</summary>
/// <param name="expected">The position at which the batch was evaluated.</param>
/// <param name="capacity">The number of events to expect.</param>
public sealed class AppendBatch(LogPosition expected, int capacity = 0)
{
    /// <summary>PostgreSQL compares each range with each row of others.</summary>
    private const int MaxRanges = 100;

    internal List<int> Subs { get; } = new(capacity);
    internal List<ReadOnlyMemory<byte>> Keys { get; } = new(capacity);
    internal List<ReadOnlyMemory<byte>?> Values { get; } = new(capacity);
    internal List<long> CreateRevisions { get; } = new(capacity);
    internal List<long> Versions { get; } = new(capacity);
    internal List<long> Leases { get; } = new(capacity);
    internal List<string?> Usernames { get; } = new(capacity);
    internal List<string?> Clients { get; } = new(capacity);
    internal HashSet<long> RequiredLeases { get; } = [];
    internal List<long> RevokedLeases { get; } = [];

    /// <summary>The keys that the evaluation read besides those of the events.</summary>
    internal List<ReadOnlyMemory<byte>> ReadKeys { get; } = [];

    /// <summary>The starts of the ranges that the evaluation read.</summary>
    internal List<ReadOnlyMemory<byte>> ReadStarts { get; } = [];

    /// <summary>The first keys after those ranges; null for the end of the key space.</summary>
    internal List<ReadOnlyMemory<byte>?> ReadEnds { get; } = [];

    /// <summary>Whether the batch is valid only where it was evaluated, whatever others have changed since.</summary>
    internal bool IsFixed { get; private set; }

    /// <summary>Bytes of keys and values.</summary>
    internal long Bytes { get; private set; }

    /// <summary>The position at which the batch was evaluated.</summary>
    public LogPosition Expected { get; } = expected;

    /// <summary>The number of revisions that the batch makes.</summary>
    public int Revisions { get; private set; }

    /// <summary>Whether the append would change nothing.</summary>
    public bool IsEmpty => Keys.Count == 0 && RevokedLeases.Count == 0 && RequiredLeases.Count == 0;

    /// <summary>Whether it is a single change that depends on no lease but its own.</summary>
    internal bool IsLone => Keys.Count == 1 && RevokedLeases.Count == 0
        && (RequiredLeases.Count == 0 || (RequiredLeases.Count == 1 && RequiredLeases.Contains(Leases[0])));

    /// <summary>Adds the next event.</summary>
    /// <param name="change">A put or a delete; a put's lease must exist when the batch is appended.</param>
    /// <param name="username">The etcd user, or null.</param>
    /// <param name="client">The address of the request's client with the kind of request (<c>…#Put</c>), or null.</param>
    public void Add(in KvEvent change, string? username, string? client)
    {
        KeyRecord? record = change.Record;
        Subs.Add(change.Sub);
        Revisions += change.Sub == 0 ? 1 : 0;
        Keys.Add(change.Key);
        Values.Add(record?.ValueMemory);
        Bytes += change.Key.Length + (record?.ValueMemory.Length ?? 0);
        CreateRevisions.Add(record?.CreateRevision ?? 0);
        Versions.Add(record?.Version ?? 0);
        Leases.Add(record?.Lease ?? 0);
        Usernames.Add(username);
        Clients.Add(client);
    }

    /// <summary>Makes the append depend on keys besides those of its events: if others have changed one since, the append is refused. Reads
    /// that are not named here must not affect the batch.</summary>
    public void Read(in KeyRange range)
    {
        if (IsFixed || range.IsEmpty)
        {
            return;
        }

        if (range.IsSingleKey)
        {
            ReadKeys.Add(range.Start);
            return;
        }

        ReadStarts.Add(range.Start);
        ReadEnds.Add(range.IsOpenEnded ? default(ReadOnlyMemory<byte>?) : range.End);
        if (ReadStarts.Count > MaxRanges)
        {
            Fix();
        }
    }

    /// <summary>Makes the append depend on everything: if others have written since, the append is refused.</summary>
    public void Fix()
    {
        IsFixed = true;
        ReadKeys.Clear();
        ReadStarts.Clear();
        ReadEnds.Clear();
    }

    /// <summary>Whether this batch and another would write the same rows behind those of others.</summary>
    public bool IsSameAs(AppendBatch other) => Keys.Count == other.Keys.Count && Enumerable.Range(0, Keys.Count).All(i =>
        Keys[i].Span.SequenceEqual(other.Keys[i].Span) && Subs[i] == other.Subs[i] && Versions[i] == other.Versions[i]
        && Leases[i] == other.Leases[i] && Values[i].HasValue == other.Values[i].HasValue && Offset(i) == other.Offset(i));

    /// <summary>Makes the append depend on a lease that a put names.</summary>
    public void Require(long lease) => RequiredLeases.Add(lease);

    /// <summary>Deletes a lease with the batch; it must exist.</summary>
    public void Revoke(long lease)
    {
        RequiredLeases.Add(lease);
        RevokedLeases.Add(lease);
    }

    /// <summary>The create revision of a key; for a key that the batch creates, counted from the beginning of the batch.</summary>
    private long Offset(int i) =>
        CreateRevisions[i] > Expected.Revision ? Expected.Revision - CreateRevisions[i] : CreateRevisions[i];
}

/// <summary>The result of an append.</summary>
public enum AppendOutcome
{
    /// <summary>The batch is committed: where it was evaluated, or behind rows of others, none of which it had read.</summary>
    Appended,

    /// <summary>Others had changed keys that the batch read (or compaction, auth or the alarms had moved); nothing was written.</summary>
    Conflict,

    /// <summary>A lease on which the batch depends does not exist; nothing was written.</summary>
    LeaseMissing,
}

/// <summary>The answer to an append.</summary>
/// <param name="Outcome">The result.</param>
/// <param name="Position">The position of the log.</param>
/// <param name="MissingLeases">The leases that do not exist, with <see cref="AppendOutcome.LeaseMissing"/>.</param>
public readonly record struct AppendResult(AppendOutcome Outcome, LogPosition Position, IReadOnlyList<long> MissingLeases);
