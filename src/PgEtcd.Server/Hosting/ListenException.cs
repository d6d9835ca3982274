namespace PgEtcd.Server.Hosting;

/// <summary>An address cannot be listened on. The message is one sentence that names the flag.</summary>
public sealed class ListenException(string message, Exception innerException) : Exception(message, innerException);
