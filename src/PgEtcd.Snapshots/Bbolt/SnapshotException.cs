namespace PgEtcd.Snapshots.Bbolt;

/// <summary>A file cannot be read as a snapshot. The message is one sentence that names the file and the reason.</summary>
public sealed class SnapshotException(string message, Exception? innerException = null) : Exception(message, innerException);
