namespace PgEtcd.Postgres.Connections;

/// <summary>The database cannot be used as configured. The message is one sentence for the operator.</summary>
public sealed class DatabaseStartException(string message, Exception? innerException = null) : Exception(message, innerException);
