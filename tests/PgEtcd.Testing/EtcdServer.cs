using PgEtcd.Testing.Processes;
using Xunit;

namespace PgEtcd.Testing;

/// <summary>A real etcd of one member (Debian's, 3.4), with its own ports and an empty store.</summary>
public sealed class EtcdServer : IEtcdServer
{
    private const string Program = "/usr/bin/etcd";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

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

    /// <summary>Starts one and waits until it is healthy; a test without the binary is skipped.</summary>
    public static async Task<EtcdServer> StartAsync(params string[] moreArguments)
    {
        Skip.IfNot(File.Exists(Program), $"{Program} is missing; install Debian's package etcd-server to compare with real etcd.");
        // Real etcd syncs every write; in memory that costs nothing, and nobody asks it to survive.
        var directory = new TempDirectory("etcd", inMemory: true);
        string client = $"http://127.0.0.1:{FreePort.Next()}";
        string peer = $"http://127.0.0.1:{FreePort.Next()}";
        ChildProcess process = ChildProcess.Start("etcd", Program,
        [
            "--name", "default", "--data-dir", directory.Path,
            "--listen-client-urls", client, "--advertise-client-urls", client,
            "--listen-peer-urls", peer, "--initial-advertise-peer-urls", peer, "--initial-cluster", $"default={peer}",
            .. moreArguments,
        ]);
        var server = new EtcdServer(directory, process, new Uri(client));
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
