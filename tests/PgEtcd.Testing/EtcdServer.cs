using PgEtcd.Testing.Processes;

namespace PgEtcd.Testing;

/// <summary>A real etcd of one member (Debian's, 3.4), with its own ports and an empty store.</summary>
public sealed class EtcdServer : IEtcdServer
{
    private const string Program = "/usr/bin/etcd";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory;
    private readonly ChildProcess _process;

    private EtcdServer(TempDirectory directory, ChildProcess process, Uri clientUrl)
    {
        _directory = directory;
        _process = process;
        ClientUrl = clientUrl;
    }

    /// <inheritdoc/>
    public string Kind => "etcd";

    /// <inheritdoc/>
    public Uri ClientUrl { get; }

    /// <inheritdoc/>
    public string Output => _process.Output;

    /// <summary>Whether Debian's etcd is installed.</summary>
    public static bool IsInstalled => File.Exists(Program);

    /// <summary>Skips the test if the program is missing, except in CI.</summary>
    public static void Require() => Tool.Require(Program, "etcd-server");

    /// <summary>Starts an etcd and waits until it is healthy; skips the test without the binary.</summary>
    public static Task<EtcdServer> StartAsync(params string[] moreArguments) => StartAsync(null, moreArguments);

    /// <summary>Starts an etcd from a snapshot file, as an operator would after <c>etcdctl snapshot restore</c>.</summary>
    public static Task<EtcdServer> StartFromAsync(string snapshot) => StartAsync(snapshot, []);

    /// <summary>The database file of its store, which is complete after the server has ended.</summary>
    public string DatabaseFile => Path.Combine(_directory.Path, "data", "member", "snap", "db");

    /// <summary>Sends SIGTERM and waits for the end; the files stay until disposal.</summary>
    public async Task StopAsync()
    {
        _process.Signal(UnixSignal.Terminate);
        await _process.WaitForExitAsync().ConfigureAwait(false);
    }

    private static async Task<EtcdServer> StartAsync(string? snapshot, string[] moreArguments)
    {
        Require();
        // Real etcd syncs every write; in memory a sync is free, and the data need not survive.
        TempDirectory directory = new("etcd", inMemory: true);
        string client = $"http://127.0.0.1:{FreePort.Next()}";
        string peer = $"http://127.0.0.1:{FreePort.Next()}";
        string data = Path.Combine(directory.Path, "data");
        if (snapshot is not null)
        {
            CommandResult restored = await Command.RunAsync(
                "/usr/bin/etcdctl",
                [
                    "snapshot", "restore", snapshot, "--data-dir", data, "--name", "default", "--initial-advertise-peer-urls", peer,
                    "--initial-cluster", $"default={peer}"],
                environment: new Dictionary<string, string> { ["ETCDCTL_API"] = "3" }).ConfigureAwait(false);
            if (restored.ExitCode != 0)
            {
                directory.Dispose();
                throw new InvalidOperationException(
                    $"etcdctl snapshot restore ended with {restored.ExitCode}: {restored.Output}{restored.Error}");
            }
        }

        ChildProcess process = ChildProcess.Start("etcd", Program,
        [
            "--name", "default", "--data-dir", data,
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"default={peer}",
            .. moreArguments,
        ]);
        EtcdServer server = new(directory, process, new Uri(client));
        try
        {
            await HealthCheck.WaitAsync(process, server.ClientUrl, StartLimit).ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync().ConfigureAwait(false);
        _directory.Dispose();
    }
}
