using PgEtcd.Postgres.Alarms;

namespace PgEtcd.Postgres.Revisions;

/// <summary>A frontend's state is the store's if these are the same: the revision, and the marks that move beside it.</summary>
/// <param name="Revision">The last committed revision; 1 for an empty store.</param>
/// <param name="CompactRevision">The compaction mark; -1 when never compacted.</param>
/// <param name="AuthRevision">Counts changes of users, roles and permissions.</param>
/// <param name="Alarms">The kinds of alarms that are raised.</param>
public readonly record struct LogPosition(
    long Revision, long CompactRevision, long AuthRevision, AlarmKinds Alarms = AlarmKinds.None)
{
    /// <summary>An empty store.</summary>
    public static LogPosition Empty => new(1, -1, 1);
}

/// <summary>One row of the log, as another frontend wrote it.</summary>
/// <param name="Revision">Main revision.</param>
/// <param name="Sub">Sub revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value, or null for a tombstone.</param>
/// <param name="CreateRevision">As of this event.</param>
/// <param name="Version">As of this event.</param>
/// <param name="Lease">0 or the lease attached.</param>
public readonly record struct LogRow(
    long Revision, int Sub, byte[] Key, byte[]? Value, long CreateRevision, long Version, long Lease);
