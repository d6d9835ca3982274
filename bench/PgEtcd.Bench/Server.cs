using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace PgEtcd.Bench;

/// <summary>A measured server: starts and stops it, and reads its CPU time and memory.</summary>
/// <param name="name">The name in the table.</param>
/// <param name="kind">etcd or pgetcd.</param>
/// <param name="directory">The directory for its data and its log.</param>
/// <param name="options">The command line.</param>
/// <param name="database">For a frontend beside another, the PostgreSQL of that one.</param>
public sealed class Server(string name, string kind, string directory, Options options, string? database = null) : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(3);
    private readonly int _peerPort = FreePort();
    private readonly ControlGroup? _group = options.Busy || options.Cores is not null ? new ControlGroup(name) : null;
    private Process? _process;
    private int? _postmaster; // 0: there is none

    public string Name => name;

    /// <summary>Whether the server supports <see cref="Beside"/>.</summary>
    public bool HasFrontends => kind == "pgetcd";
    public int Port { get; } = FreePort();
    public EtcdClient Client => field ??= new EtcdClient(Port);

    /// <summary>The start commands of both servers, with data on the same disk and fsync on (the default of both).</summary>
    private string[] Command => kind switch
    {
        "etcd" =>
        [
            options.Etcd, "--name", "bench", "--data-dir", $"{directory}/data", "--log-level", "error",
            "--listen-client-urls", $"http://127.0.0.1:{Port}", "--advertise-client-urls", $"http://127.0.0.1:{Port}",
            "--listen-peer-urls", $"http://127.0.0.1:{_peerPort}", "--initial-advertise-peer-urls", $"http://127.0.0.1:{_peerPort}",
            "--initial-cluster", $"bench=http://127.0.0.1:{_peerPort}", "--quota-backend-bytes", $"{8L << 30}",
        ],
        "pgetcd" =>
        [
            options.Pgetcd, "--name", name.Replace(' ', '-'), "--listen-client-urls", $"http://127.0.0.1:{Port}",
            .. database is null ? ["--data-dir", $"{directory}/data"] : (string[])["--database", database],
        ],
        _ => throw new BenchException($"unknown server {kind}"),
    };

    /// <summary>Starts the process and waits for /health.</summary>
    /// <returns>Seconds from start to /health.</returns>
    /// <exception cref="BenchException">The server ended or took too long.</exception>
    public async Task<double> Start()
    {
        Directory.CreateDirectory(directory);
        string log = $"{directory}/log";
        ProcessStartInfo start = new("/bin/sh");
        foreach (string? argument in new[] { "-c", $"{_group?.Enter}\nexec \"$@\" >>\"$0\" 2>&1", log }.Concat(Command))
        {
            start.ArgumentList.Add(argument);
        }

        start.Environment["DOTNET_GCgen0size"] = "0x4000000"; // as in run.sh
        _postmaster = null;
        Stopwatch clock = Stopwatch.StartNew();
        _process = Process.Start(start) ?? throw new BenchException($"{Name} did not start");
        while (!await Client.IsHealthy().ConfigureAwait(false))
        {
            if (_process.HasExited || clock.Elapsed > StartLimit)
            {
                string last = string.Join(Environment.NewLine, File.ReadLines(log).TakeLast(5));
                string state = _process.HasExited ? "ended" : "is not healthy";
                throw new BenchException($"{Name} {state} after {clock.Elapsed.TotalSeconds:F1} s: {last}");
            }

            await Task.Delay(5).ConfigureAwait(false);
        }

        double seconds = clock.Elapsed.TotalSeconds;
        if (options.Cores is { } cores)
        {
            ControlGroup.Free(DatabaseProcesses());
            _group!.Limit(cores);
        }

        return seconds;
    }

    /// <summary>Another frontend on the same PostgreSQL, not yet started.</summary>
    public Server Beside(int number)
    {
        string[] lines = File.ReadAllLines(PostmasterFile()!);
        const int Port = 3;
        const int Sockets = 4;
        return new Server(
            $"{name} {number}", kind, $"{directory}-{number}", options,
            $"Host={lines[Sockets]};Port={lines[Port]};Username=postgres;Database=postgres");
    }

    /// <summary>Sends SIGTERM, and SIGKILL if the server does not end.</summary>
    public async Task Stop()
    {
        if (_process is not { HasExited: false } process)
        {
            return;
        }

        using (Process.Start("kill", ["-TERM", $"{process.Id}"]))
        {
        }

        using CancellationTokenSource limit = new(TimeSpan.FromSeconds(60));
        try
        {
            await process.WaitForExitAsync(limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
        }

        process.Dispose();
        _process = null;
    }

    /// <summary>Stops the server and removes its data.</summary>
    public async ValueTask DisposeAsync()
    {
        await Stop().ConfigureAwait(false);
        Client.Dispose();
        _group?.Dispose();
        if (!options.Keep && Directory.Exists(directory))
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Memory in bytes: RSS of the server's own process, PSS of its PostgreSQL (0 without one).</summary>
    public (long Rss, long DatabasePss) Memory()
    {
        long rss = ProcessTable.Kilobytes($"/proc/{_process!.Id}/status", "VmRSS:") * 1024;
        long pss = DatabaseProcesses().Sum(process => ProcessTable.Kilobytes($"/proc/{process}/smaps_rollup", "Pss:")) * 1024;
        return (rss, pss);
    }

    /// <summary>Seconds of CPU used so far by the server and its PostgreSQL.</summary>
    public double CpuSeconds() => DatabaseProcesses().Append(_process!.Id).Sum(ProcessTable.CpuSeconds);

    /// <summary>PostgreSQL's processes, found by postmaster.pid in the data directory, as they need not be children.</summary>
    private List<int> DatabaseProcesses()
    {
        _postmaster ??= FindPostmaster();
        return _postmaster == 0 ? [] : [_postmaster.Value, .. ProcessTable.Children(_postmaster.Value)];
    }

    private int FindPostmaster() =>
        PostmasterFile() is { } file ? int.Parse(File.ReadLines(file).First(), CultureInfo.InvariantCulture) : 0;

    private string? PostmasterFile()
    {
        EnumerationOptions near = new() { RecurseSubdirectories = true, MaxRecursionDepth = 3, IgnoreInaccessible = true };
        return database is null ? Directory.EnumerateFiles($"{directory}/data", "postmaster.pid", near).FirstOrDefault() : null;
    }

    private static int FreePort()
    {
        using TcpListener listener = new(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
