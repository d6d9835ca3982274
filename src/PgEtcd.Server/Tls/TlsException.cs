namespace PgEtcd.Server.Tls;

/// <summary>A TLS file cannot be used. The message is one sentence that names the flag.</summary>
public sealed class TlsException(string message, Exception? innerException = null) : Exception(message, innerException);
