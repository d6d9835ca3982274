namespace PgEtcd.Testing;

/// <summary>The awaited condition can no longer become true, for instance because the process has ended.</summary>
public sealed class GaveUpException(string message) : Exception(message);
