using System.Runtime.InteropServices;
using PgEtcd.Postgres;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Hosting;
using PgEtcd.Server.LocalPostgres;
using PgEtcd.Server.Logging;
using PgEtcd.Server.Tls;

namespace PgEtcd.Server;

internal static class Program
{
    private const int CannotStart = 1;

    private static async Task<int> Main(string[] args)
    {
        CommandLineSecrets.Hide();
        CommandLineResult command = CommandLine.Parse(args, Env());
        if (command.Options is not { } options)
        {
            await (command.IsError ? Console.Error : Console.Out).WriteLineAsync(command.Text);
            return command.ExitCode;
        }

        using CancellationTokenSource stopping = new();
        using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        try
        {
            await ServerHost.RunAsync(options, stopping.Token);
            return 0;
        }
        catch (Exception exception) when (exception is DatabaseStartException or LocalPostgresException or ListenException or LogOutputException or TlsException)
        {
            await Console.Error.WriteLineAsync($"pgetcd: {exception.Message}");
            return CannotStart;
        }
        catch (OperationCanceledException) when (stopping.IsCancellationRequested)
        {
            return 0;
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
