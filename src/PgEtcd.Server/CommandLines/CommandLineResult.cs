using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.CommandLines;

/// <summary>The outcome of a command line: serve with <see cref="Options"/>, or print <see cref="Text"/> and end.</summary>
/// <param name="Options">Set if the server is to run.</param>
/// <param name="Text">Set otherwise: help, version, or one sentence about the error. Ends without a line break.</param>
/// <param name="ExitCode">The exit code of the process: 0, <see cref="FlagException.BadValue"/> or <see cref="UnknownFlag"/>.</param>
public sealed record CommandLineResult(ServerOptions? Options, string? Text, int ExitCode)
{
    /// <summary>Exit code for an unknown flag, the same as that of Go's flag package in etcd.</summary>
    public const int UnknownFlag = 2;

    /// <summary>True when <see cref="Text"/> belongs on stderr.</summary>
    public bool IsError => ExitCode != 0;

    internal static CommandLineResult Serve(ServerOptions options) => new(options, null, 0);

    internal static CommandLineResult Print(string text) => new(null, text, 0);

    internal static CommandLineResult Fail(string sentence, int exitCode) => new(null, sentence, exitCode);
}
