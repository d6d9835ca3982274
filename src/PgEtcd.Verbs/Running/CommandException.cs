namespace PgEtcd.Verbs.Running;

/// <summary>A command cannot do what it was asked to. The message is one sentence.</summary>
public sealed class CommandException(string message) : Exception(message);
