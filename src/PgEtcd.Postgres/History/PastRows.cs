namespace PgEtcd.Postgres.History;

/// <summary>A change of a key, as the view history shows it (docs/sql.md).</summary>
public sealed record HistoryRow(
    byte[] Key, long ModRevision, int Sub, string? Change, byte[]? Value, long CreateRevision, long Version, long Lease,
    long? PrevModRevision, DateTime? CommittedAt, string? Username, string? Client, string? Request, string? Frontend, bool Archived);

/// <summary>A key at a revision, as the function prefix_at shows it.</summary>
public sealed record StateRow(byte[] Key, byte[]? Value, long CreateRevision, long ModRevision, long Version, long Lease);

/// <summary>A key that differs between two revisions, as the function diff shows it.</summary>
public sealed record DifferenceRow(
    byte[] Key, string? Change, byte[]? OldValue, long? OldModRevision, byte[]? NewValue, long? NewModRevision);

/// <summary>A key that a restore would change, as the functions plan_restore_key and plan_restore_prefix show it.</summary>
public sealed record RestoreRow(
    byte[] Key, string? Change, byte[]? OldValue, long? OldModRevision, byte[]? NewValue, long? NewModRevision, long Lease, long LostLease);
