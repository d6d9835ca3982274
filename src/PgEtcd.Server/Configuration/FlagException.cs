namespace PgEtcd.Server.Configuration;

/// <summary>A flag or variable has a bad value. The message is one sentence that names it and holds no password.</summary>
internal sealed class FlagException(string message, int exitCode = FlagException.BadValue) : Exception(message)
{
    /// <summary>The exit code for a missing or bad value.</summary>
    public const int BadValue = 1;

    public int ExitCode { get; } = exitCode;
}
