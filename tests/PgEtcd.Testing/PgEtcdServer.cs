using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.Testing;

/// <summary>
/// The built executable <c>pgetcd</c> as a process.
/// </summary>
public sealed class PgEtcdServer : IEtcdServer
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;
    private readonly ServerComplaints _complaints;

    private PgEtcdServer(ChildProcess process, ServerComplaints complaints, Uri clientUrl)
    {
        _process = process;
        _complaints = complaints;
        ClientUrl = clientUrl;
    }

    /// <summary>The path of the executable: the one published by test.sh, or the one built beside the tests.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("TESTED_PGETCD")
        ?? Path.Combine(Repository.Root, "src", "PgEtcd.Server", "bin", Configuration, "net10.0", "pgetcd");

    /// <inheritdoc/>
    public string Kind => "pgetcd";

    /// <inheritdoc/>
    public Uri ClientUrl { get; }

    /// <summary>The process id.</summary>
    public int Pid => _process.Pid;

    /// <summary>Its resident memory in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            string line = File.ReadLines($"/proc/{Pid}/status").First(line => line.StartsWith("VmRSS:", StringComparison.Ordinal));
            return long.Parse(line["VmRSS:".Length..^"kB".Length], CultureInfo.InvariantCulture) * 1024;
        }
    }

    /// <inheritdoc/>
    public string Output => _process.Output;

    /// <summary>The last 400 or so lines of its log, as JSON.</summary>
    public IReadOnlyList<JsonElement> Log => [.. Output.Split('\n').Where(line => line.StartsWith('{')).Select(
        line => JsonElement.Parse(line))];

    /// <summary>Its warnings and errors, except those about long durations, which a busy machine may cause.</summary>
    public IReadOnlyList<string> Complaints => _complaints.All;

    /// <summary>The number of lines with a text among the last 400 of its output.</summary>
    public int CountOf(string text) => Output.Split('\n').Count(line => line.Contains(text, StringComparison.Ordinal));

    /// <summary>Waits until it has logged a text, at least this many times. Log lines come a moment after their cause.</summary>
    public Task SaysAsync(string text, int times = 1) => Eventually.TrueAsync(
        () => CountOf(text) >= times, $"the server logs \"{text}\" {times} times");

    /// <summary>Waits until it has logged this many warnings and errors, and returns them. There must not be more.</summary>
    public async Task<IReadOnlyList<string>> ComplainsAsync(int count)
    {
        await Eventually.TrueAsync(() => Complaints.Count >= count, $"the server logs {count} warnings or errors").ConfigureAwait(false);
        Complaints.Count.ShouldBe(count, string.Join('\n', Complaints));
        return Complaints;
    }

    /// <summary>The process.</summary>
    public ChildProcess Process => _process;

    /// <summary>Starts a frontend and waits until it is healthy.</summary>
    public static async Task<PgEtcdServer> StartAsync(
        string database, string schema = "pgetcd", string name = "default", int? port = null, params string[] moreArguments)
    {
        Uri clientUrl = new($"http://127.0.0.1:{port ?? FreePort.Next()}");
        string url = clientUrl.ToString().TrimEnd('/');
        return await StartWithAsync(
            clientUrl,
            [
                "--database", database, "--schema", schema, "--name", name,
                "--listen-client-urls", url, "--advertise-client-urls", url, .. moreArguments,
            ]).ConfigureAwait(false);
    }

    /// <summary>Starts the executable with only these arguments, and waits until it is healthy.</summary>
    public static async Task<PgEtcdServer> StartWithAsync(
        Uri clientUrl, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        ServerComplaints complaints = new();
        PgEtcdServer server = new(Launch(arguments, environment, complaints.Read), complaints, clientUrl);
        try
        {
            await HealthCheck.WaitAsync(server._process, clientUrl, StartLimit).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server._process.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts the executable with any arguments without waiting, for tests of bad arguments.</summary>
    public static ChildProcess Launch(
        IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null, Action<string>? onLine = null)
    {
        if (!File.Exists(Program))
        {
            throw new InvalidOperationException($"{Program} is missing; build src/PgEtcd.Server first.");
        }

        Dictionary<string, string> variables = new(environment ?? new Dictionary<string, string>())
        {
            // The executable must run on the runtime of the tests, wherever that is installed.
            ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
        };
        return ChildProcess.Start("pgetcd", Program, arguments, variables, onLine: onLine);
    }

    /// <summary>Declares warnings and errors that the test provokes. Any other makes the disposal, and so the test, fail.</summary>
    /// <param name="patterns">Regular expressions, each for a part of a line.</param>
    public void Expect(params string[] patterns) => _complaints.Expect(patterns);

    /// <summary>Sends SIGKILL.</summary>
    public Task Kill9Async()
    {
        _process.Signal(UnixSignal.Kill);
        return _process.WaitForExitAsync();
    }

    /// <summary>Sends SIGTERM and returns the exit code.</summary>
    public Task<int> StopAsync()
    {
        _process.Signal(UnixSignal.Terminate);
        return _process.WaitForExitAsync();
    }

    /// <summary>Kills the process if it still runs.</summary>
    /// <exception cref="UnexpectedLogException">It logged a warning or an error that was not declared with
    /// <see cref="Expect"/>.</exception>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync().ConfigureAwait(false);
        _complaints.Check();
    }
}
