using PgEtcd.Server.CommandLines;

namespace PgEtcd.Server.Configuration;

/// <summary>A flag or variable with a bad value. The message is one sentence that names it and holds no password.</summary>
internal sealed class FlagException(string message, int exitCode = CommandLineResult.BadValue) : Exception(message)
{
    public int ExitCode { get; } = exitCode;
}
