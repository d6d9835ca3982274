using System.ComponentModel;
using System.Diagnostics;

namespace PgEtcd.LocalPostgres;

/// <summary>Runs a short command to its end.</summary>
/// <param name="ExitCode">0 for success.</param>
/// <param name="Output">Its stdout and stderr.</param>
public sealed record Command(int ExitCode, string Output)
{
    public static async Task<Command> RunAsync(IReadOnlyList<string> words, CancellationToken cancellationToken)
    {
        using Process process = new() { StartInfo = StartInfo(words) };
        process.StartInfo.RedirectStandardInput = true;
        process.StartInfo.RedirectStandardOutput = true;
        process.StartInfo.RedirectStandardError = true;
        try
        {
            process.Start();
        }
        catch (Win32Exception e)
        {
            return new Command(127, $"{words[0]}: {e.Message}");
        }

        process.StandardInput.Close();
        Task<string> output = process.StandardOutput.ReadToEndAsync(cancellationToken);
        Task<string> error = process.StandardError.ReadToEndAsync(cancellationToken);
        try
        {
            await process.WaitForExitAsync(cancellationToken);
            return new Command(process.ExitCode, await output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Messages are in English, so that they can be recognised; the rest of the environment stays, without variables that would
    /// redirect PostgreSQL.</summary>
    public static ProcessStartInfo StartInfo(IReadOnlyList<string> words)
    {
        ProcessStartInfo info = new(words[0], words.Skip(1)) { UseShellExecute = false, WorkingDirectory = "/" };
        foreach (string? variable in info.Environment.Keys.Where(v => v.StartsWith("PG", StringComparison.Ordinal)).ToList())
        {
            info.Environment.Remove(variable);
        }

        info.Environment["LC_ALL"] = "C";
        return info;
    }

    /// <summary>The last non-blank lines, joined into one.</summary>
    public static string Tail(string output, int lines = 3)
    {
        string[] said = output.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);
        return string.Join(" / ", said.TakeLast(lines));
    }
}
