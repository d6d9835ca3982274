namespace PgEtcd.Testing;

/// <summary>What is waited for will never come: the process has ended, for instance.</summary>
public sealed class GaveUpException(string message) : Exception(message);
