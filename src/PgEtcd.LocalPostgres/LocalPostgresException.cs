namespace PgEtcd.LocalPostgres;

/// <summary>The private local PostgreSQL cannot run. The message is one sentence for the operator.</summary>
public sealed class LocalPostgresException(string message, Exception? inner = null) : Exception(message, inner);
