using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.CommandLines;

/// <summary>What a command line asked for: to serve with <see cref="Options"/>, or to print <see cref="Text"/> and end.</summary>
/// <param name="Options">Set when the server is to run.</param>
/// <param name="Text">Set otherwise: help, version, or one sentence about what is wrong. Ends without a line break.</param>
/// <param name="ExitCode">What the process ends with: 0, <see cref="BadValue"/> or <see cref="UnknownFlag"/>.</param>
public sealed record CommandLineResult(ServerOptions? Options, string? Text, int ExitCode)
{
    /// <summary>Exit code for a missing or bad value.</summary>
    public const int BadValue = FlagException.BadValue;

    /// <summary>Exit code for a flag that does not exist, as Go's flag package ends etcd.</summary>
    public const int UnknownFlag = 2;

    /// <summary>True when <see cref="Text"/> belongs on stderr.</summary>
    public bool IsError => ExitCode != 0;

    internal static CommandLineResult Serve(ServerOptions options) => new(options, null, 0);

    internal static CommandLineResult Print(string text) => new(null, text, 0);

    internal static CommandLineResult Fail(string sentence, int exitCode) => new(null, sentence, exitCode);
}
