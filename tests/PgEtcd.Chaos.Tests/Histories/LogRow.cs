namespace PgEtcd.Chaos.Tests.Histories;

/// <summary>A row of the log.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Key">The key.</param>
/// <param name="Value">The value; <see cref="Operation.Absent"/> for a tombstone.</param>
/// <param name="At">The time of the commit, in ticks of the history's clock.</param>
internal sealed record LogRow(long Revision, string Key, string Value, long At);
