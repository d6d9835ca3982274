namespace PgEtcd.Server.Commands;

/// <summary>A command cannot do what it was asked to. The message is one sentence.</summary>
internal sealed class CommandException(string message) : Exception(message);
