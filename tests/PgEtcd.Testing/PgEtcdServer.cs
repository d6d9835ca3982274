using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.Json;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Testing;

/// <summary>
/// The built executable <c>pgetcd</c> as a process of its own.
/// </summary>
public sealed class PgEtcdServer : IEtcdServer
{
#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly ChildProcess _process;

    private PgEtcdServer(ChildProcess process, Uri clientUrl)
    {
        _process = process;
        ClientUrl = clientUrl;
    }

    /// <summary>The executable: the one that test.sh has published, or what was built beside the tests.</summary>
    public static string Program { get; } = Environment.GetEnvironmentVariable("TESTED_PGETCD") ?? Path.Combine(Repository.Root, "src", "PgEtcd.Server", "bin", Configuration, "net10.0", "pgetcd");

    /// <inheritdoc/>
    public string Kind => "pgetcd";

    /// <inheritdoc/>
    public Uri ClientUrl { get; }

    /// <summary>The process id.</summary>
    public int Pid => _process.Pid;

    /// <summary>Bytes of memory that it holds.</summary>
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

    /// <summary>What it logged, as JSON lines, the last 400 or so.</summary>
    public IReadOnlyList<JsonElement> Log => [.. Output.Split('\n').Where(line => line.StartsWith('{')).Select(line => JsonElement.Parse(line))];

    /// <summary>What it logged as warnings or worse, but for those that something took long, which a busy machine may bring about.</summary>
    public IReadOnlyList<string> Complaints =>
        [.. Log.Where(line => line.GetProperty("level").GetString() is not ("debug" or "info") && !line.TryGetProperty("took", out _)).Select(line => line.ToString())];

    /// <summary>The process itself.</summary>
    public ChildProcess Process => _process;

    /// <summary>Starts a frontend and waits until it is healthy.</summary>
    public static async Task<PgEtcdServer> StartAsync(
        string database, string schema = "pgetcd", string name = "default", int? port = null, params string[] moreArguments)
    {
        var clientUrl = new Uri($"http://127.0.0.1:{port ?? FreePort.Next()}");
        string url = clientUrl.ToString().TrimEnd('/');
        return await StartWithAsync(
            clientUrl,
            ["--database", database, "--schema", schema, "--name", name, "--listen-client-urls", url, "--advertise-client-urls", url, .. moreArguments]).ConfigureAwait(false);
    }

    /// <summary>Starts the executable with these arguments and no others, and waits until it is healthy.</summary>
    public static async Task<PgEtcdServer> StartWithAsync(
        Uri clientUrl, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        PgEtcdServer server = new(Launch(arguments, environment), clientUrl);
        try
        {
            await HealthCheck.WaitAsync(server._process, clientUrl, StartLimit).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>Starts the executable with any arguments and does not wait: for tests of bad arguments.</summary>
    public static ChildProcess Launch(IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
    {
        if (!File.Exists(Program))
            throw new InvalidOperationException($"{Program} is missing; build src/PgEtcd.Server first.");
        var variables = new Dictionary<string, string>(environment ?? new Dictionary<string, string>())
        {
            // The executable shall run on the runtime of the tests, wherever that is installed.
            ["DOTNET_ROOT"] = Path.GetFullPath(Path.Combine(RuntimeEnvironment.GetRuntimeDirectory(), "..", "..", "..")),
        };
        return ChildProcess.Start("pgetcd", Program, arguments, variables);
    }

    /// <summary>Kills it at once.</summary>
    public Task Kill9Async()
    {
        _process.Signal(UnixSignal.Kill);
        return _process.WaitForExitAsync();
    }

    /// <summary>Asks it to end (SIGTERM) and gives its exit code.</summary>
    public Task<int> StopAsync()
    {
        _process.Signal(UnixSignal.Terminate);
        return _process.WaitForExitAsync();
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
