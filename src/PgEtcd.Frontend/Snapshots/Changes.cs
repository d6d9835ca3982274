using PgEtcd.Postgres.Revisions;
using PgEtcd.Snapshots;

namespace PgEtcd.Frontend.Snapshots;

/// <summary>Converts rows of the log.</summary>
internal static class Changes
{
    /// <summary>The row as a change in a snapshot.</summary>
    public static SnapshotChange ToChange(this in LogRow row) => new(
        row.Revision, row.Sub, row.Key, row.Value is { } value ? value : default(ReadOnlyMemory<byte>?),
        row.CreateRevision, row.Version, row.Lease);
}
