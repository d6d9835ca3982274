namespace PgEtcd.Verbs.Running;

/// <summary>A command has failed. The message is one sentence.</summary>
public sealed class CommandException(string message) : Exception(message);
