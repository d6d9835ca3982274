using System.ComponentModel;
using System.Diagnostics;
using Npgsql;

namespace PgEtcd.Postgres.Connections;

/// <summary>A command whose output is the current password: a token of a cloud's IAM, a lease of a vault. The command runs for a new
/// connection, and its output also serves connections that follow soon.</summary>
/// <param name="command">The command, for <c>/bin/sh -c</c>.</param>
/// <param name="lifetime">Time for which an output is used; zero for one connection.</param>
public sealed class PasswordCommand(string command, TimeSpan lifetime)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private Task<string>? _last;
    private long _asked;

    /// <summary>The password for a connection that is about to be opened.</summary>
    /// <exception cref="PasswordCommandException">The command failed, maybe temporarily. The message has its standard error, not its
    /// standard output.</exception>
    public async ValueTask<string> ReadAsync(CancellationToken cancellationToken)
    {
        Task<string> answer;
        lock (_gate)
        {
            if (_last is null || _last.IsFaulted || (_last.IsCompleted && Stopwatch.GetElapsedTime(_asked) >= lifetime))
            {
                // Connections that are opened together share one run, so none of them may cancel it.
                _asked = Stopwatch.GetTimestamp();
                _last = RunAsync();
            }

            answer = _last;
        }

        return await answer.WaitAsync(cancellationToken);
    }

    /// <summary>Drops the last output, which was refused, so that the next connection runs the command again.</summary>
    public void Forget()
    {
        lock (_gate)
        {
            _last = null;
        }
    }

    private async Task<string> RunAsync()
    {
        using CancellationTokenSource limit = new(Patience);
        using Process process = new()
        {
            StartInfo = new ProcessStartInfo("/bin/sh", ["-c", command]) { RedirectStandardOutput = true, RedirectStandardError = true },
        };
        try
        {
            process.Start();
            Task<string> errors = process.StandardError.ReadToEndAsync(limit.Token);
            string output = (await process.StandardOutput.ReadToEndAsync(limit.Token)).TrimEnd('\r', '\n');
            await process.WaitForExitAsync(limit.Token);
            return process.ExitCode != 0 ? throw Failed($"ended with status {process.ExitCode}: {Printable.Line((await errors).Trim())}")
                : output.Length == 0 ? throw Failed("printed nothing")
                : output;
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw Failed($"did not end within {Patience.TotalSeconds:0} s");
        }
        catch (Win32Exception exception)
        {
            throw Failed($"could not be run: {exception.Message}");
        }

        static PasswordCommandException Failed(string how) => new($"the command of --database-password-command {how.TrimEnd('.', ':')}");
    }
}

/// <summary>The command failed, maybe temporarily.</summary>
internal sealed class PasswordCommandException(string message) : NpgsqlException(message);
