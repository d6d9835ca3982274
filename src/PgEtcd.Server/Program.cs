using System.Runtime.InteropServices;
using Npgsql;
using PgEtcd.Postgres;
using PgEtcd.Server.Commands;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Hosting;
using PgEtcd.Server.LocalPostgres;
using PgEtcd.Server.Logging;
using PgEtcd.Server.Tls;
using PgEtcd.Snapshots;

namespace PgEtcd.Server;

internal static class Program
{
    private const int CannotStart = 1;
    private const int Interrupted = 130;

    private static async Task<int> Main(string[] args)
    {
        CommandLineSecrets.Hide();
        if (args is [var word, .. var words] && Verbs.Find(word) is { } verb)
        {
            return VerbArguments.Parse(verb, words, Env(), out CommandLineResult? text) is { } arguments
                ? await RunAsync(stopping => verb.RunAsync(arguments, stopping), Interrupted)
                : await PrintAsync(text!);
        }

        CommandLineResult command = CommandLine.Parse(args is [Verbs.Serve, .. var flags] ? flags : args, Env());
        return command.Options is { } options
            ? await RunAsync(stopping => ServerHost.RunAsync(options, stopping), whenStopped: 0)
            : await PrintAsync(command);
    }

    private static async Task<int> PrintAsync(CommandLineResult result)
    {
        await (result.IsError ? Console.Error : Console.Out).WriteLineAsync(result.Text);
        return result.ExitCode;
    }

    private static async Task<int> RunAsync(Func<CancellationToken, Task> run, int whenStopped)
    {
        using CancellationTokenSource stopping = new();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            await run(stopping.Token);
            return 0;
        }
        catch (Exception exception) when (exception is DatabaseStartException or LocalPostgresException or ListenException
            or LogOutputException or TlsException or CommandException or SnapshotException)
        {
            await Console.Error.WriteLineAsync($"pgetcd: {exception.Message}");
            return CannotStart;
        }
        catch (PostgresException exception) when (!stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"pgetcd: PostgreSQL refused the work: {exception.MessageText} ({exception.SqlState}).");
            return CannotStart;
        }
        catch (NpgsqlException exception) when (!stopping.IsCancellationRequested)
        {
            await Console.Error.WriteLineAsync($"pgetcd: PostgreSQL went away: {exception.GetBaseException().Message.TrimEnd('.')}.");
            return CannotStart;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return whenStopped;
        }

        void Stop(PosixSignalContext signal)
        {
            // The second signal does what it does to any process.
            signal.Cancel = !stopping.IsCancellationRequested;
            stopping.Cancel();
        }
    }

    private static Dictionary<string, string> Env() => Environment.GetEnvironmentVariables()
        .Cast<System.Collections.DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
}
