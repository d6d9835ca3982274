namespace PgEtcd.Server.Hosting;

/// <summary>The server cannot listen on an address. The message is one sentence that names the flag.</summary>
public sealed class ListenException(string message, Exception innerException) : Exception(message, innerException);
