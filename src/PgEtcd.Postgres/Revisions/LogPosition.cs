using Npgsql;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Revisions;

/// <summary>The revision and the marks that move beside it. A frontend's state is the store's if these are the same.</summary>
/// <param name="Revision">The last committed revision; 1 for an empty store.</param>
/// <param name="CompactRevision">The compaction mark; -1 if never compacted.</param>
/// <param name="AuthRevision">Counts changes of users, roles and permissions.</param>
/// <param name="Alarms">The kinds of alarms that are raised.</param>
public readonly record struct LogPosition(
    long Revision, long CompactRevision, long AuthRevision, AlarmKinds Alarms = AlarmKinds.None)
{
    /// <summary>The position of an empty store.</summary>
    public static LogPosition Empty => new(1, -1, 1);
}

/// <summary>A row of the log.</summary>
/// <param name="Revision">Main revision.</param>
/// <param name="Sub">Sub revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value, or null for a tombstone.</param>
/// <param name="CreateRevision">The key's create revision as of this event.</param>
/// <param name="Version">The key's version as of this event.</param>
/// <param name="Lease">The attached lease, or 0.</param>
public readonly record struct LogRow(
    long Revision, int Sub, byte[] Key, byte[]? Value, long CreateRevision, long Version, long Lease)
{
    /// <summary>The key after this row; null for a tombstone.</summary>
    public KeyRecord? ToRecord() => Value is null ? null : new KeyRecord(Key, Value, CreateRevision, Revision, Sub, Version, Lease);

    /// <summary>Reads a row from seven columns, in the order of the parameters.</summary>
    internal static LogRow Read(NpgsqlDataReader reader, int first = 0) => new(
        reader.GetInt64(first), reader.GetInt32(first + 1), reader.GetFieldValue<byte[]>(first + 2), reader.BytesOrNull(first + 3),
        reader.GetInt64(first + 4), reader.GetInt64(first + 5), reader.GetInt64(first + 6));
}
