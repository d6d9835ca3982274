using System.Runtime.InteropServices;
using Npgsql;
using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Server.CommandLines;
using PgEtcd.Server.Hosting;
using PgEtcd.Server.Logging;
using PgEtcd.Server.Options;
using PgEtcd.Server.Tls;
using PgEtcd.Snapshots.Bbolt;
using PgEtcd.Verbs;
using PgEtcd.Verbs.Running;

namespace PgEtcd.Server;

internal static class Program
{
    private const int CannotStart = 1;
    private const int Interrupted = 130;

    private static async Task<int> Main(string[] args)
    {
        CommandLineSecrets.Hide();
        if (args is [var word, .. var words] && VerbList.Find(word) is { } verb)
        {
            return VerbLine.Parse(verb, words, Env(), out CommandLineResult? text) is { } arguments
                ? await RunAsync(stopping => verb.RunAsync(arguments, stopping), Interrupted, verb.FailureCode)
                : await PrintAsync(text!);
        }

        CommandLineResult command = CommandLine.Parse(args is [VerbList.Serve, .. var flags] ? flags : args, Env(), VerbList.HelpText);
        return command.Options is { } options
            ? await RunAsync(stopping => ServeAsync(options, stopping), whenStopped: 0, CannotStart)
            : await PrintAsync(command);
    }

    private static async Task<int> ServeAsync(ServerOptions options, CancellationToken stopping)
    {
        await ServerHost.RunAsync(options, stopping);
        return 0;
    }

    private static async Task<int> PrintAsync(CommandLineResult result)
    {
        await (result.IsError ? System.Console.Error : System.Console.Out).WriteLineAsync(result.Text);
        return result.ExitCode;
    }

    private static async Task<int> RunAsync(Func<CancellationToken, Task<int>> run, int whenStopped, int whenFailed)
    {
        using CancellationTokenSource stopping = new();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            return await run(stopping.Token);
        }
        catch (Exception exception) when (exception is DatabaseStartException or LocalPostgresException or ListenException
            or LogOutputException or TlsException or CommandException or SnapshotException)
        {
            await System.Console.Error.WriteLineAsync($"pgetcd: {exception.Message}");
            return whenFailed;
        }
        catch (NpgsqlException exception) when (!stopping.IsCancellationRequested)
        {
            await System.Console.Error.WriteLineAsync(exception is PostgresException refusal
                ? $"pgetcd: PostgreSQL refused the work: {refusal.MessageText} ({refusal.SqlState})."
                : $"pgetcd: PostgreSQL went away: {exception.GetBaseException().Message.TrimEnd('.')}.");
            return whenFailed;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return whenStopped;
        }

        void Stop(PosixSignalContext signal)
        {
            // The second signal has its usual effect and ends the process.
            signal.Cancel = !stopping.IsCancellationRequested;
            stopping.Cancel();
        }
    }

    private static Dictionary<string, string> Env() => Environment.GetEnvironmentVariables()
        .Cast<System.Collections.DictionaryEntry>()
        .ToDictionary(entry => (string)entry.Key, entry => (string?)entry.Value ?? "");
}
