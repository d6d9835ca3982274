using System.Globalization;
using Npgsql;
using PgEtcd.Testing.Processes;
using PgEtcd.Testing.Tls;

namespace PgEtcd.Testing.Postgres;

/// <summary>
/// A private PostgreSQL from Debian's binaries, with its own directory and port, a Unix socket and 127.0.0.1.
/// It can be stopped, killed and started again on the same data.
/// </summary>
public sealed class PostgresServer : ITestDatabase
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(60);

    /// <summary>The result of initdb, made once and copied, as initdb takes a second of CPU.</summary>
    private static readonly Lazy<Task<TempDirectory>> EmptyCluster = new(InitializeAsync);

    private readonly TempDirectory _directory;
    private readonly PostgresOptions _options;
    private ChildProcess? _process;

    private PostgresServer(TempDirectory directory, PostgresOptions options)
    {
        _directory = directory;
        _options = options;
        Port = FreePort.Next();
    }

    /// <summary>The port on 127.0.0.1, also part of the Unix socket's name.</summary>
    public int Port { get; }

    /// <summary>The directory of the Unix socket, usable as Npgsql's Host.</summary>
    public string SocketDirectory => _directory.Path;

    /// <summary>The data directory.</summary>
    public string DataDirectory => Path.Combine(_directory.Path, "data");

    /// <summary>The postmaster's process id.</summary>
    public int Pid => Running.Pid;

    /// <summary>The last lines of its log.</summary>
    public string Output => Running.Output;

    private ChildProcess Running => _process ?? throw new InvalidOperationException("PostgreSQL is not running.");

    /// <summary>Creates an empty cluster and starts it.</summary>
    public static async Task<PostgresServer> StartAsync(PostgresOptions? options = null)
    {
        TempDirectory directory = new("pg", inMemory: options?.Fsync != true);
        PostgresServer server = new(directory, options ?? new PostgresOptions());
        try
        {
            await PostgresBinaries.OwnAsync(directory.Path).ConfigureAwait(false);
            TempDirectory cluster = await EmptyCluster.Value.ConfigureAwait(false);
            await Command.CheckAsync("/bin/cp", "-a", Path.Combine(cluster.Path, "data"), server.DataDirectory).ConfigureAwait(false);
            await server.RestartAsync().ConfigureAwait(false);
            return server;
        }
        catch
        {
            await server.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <inheritdoc/>
    public string ConnectionString(string database = "postgres") => ConnectionString(database, "127.0.0.1");

    /// <summary>The same through the Unix socket, which is faster.</summary>
    public string SocketConnectionString(string database = "postgres") => ConnectionString(database, SocketDirectory);

    /// <summary>Starts PostgreSQL on the existing data, after a stop or a kill.</summary>
    public async Task RestartAsync()
    {
        if (_process is { HasExited: false })
        {
            throw new InvalidOperationException("PostgreSQL is running.");
        }

        DateTime deadline = DateTime.UtcNow + StartLimit;
        while (true)
        {
            if (_process is not null)
            {
                await _process.DisposeAsync().ConfigureAwait(false);
            }

            (string program, IReadOnlyList<string> arguments) = PostgresBinaries.Line("postgres", Arguments());
            _process = ChildProcess.Start("postgres", program, arguments);
            try
            {
                await _process.WaitUntilAsync(AnswersAsync, StartLimit, "PostgreSQL answers").ConfigureAwait(false);
                return;
            }
            catch (GaveUpException) when (DateTime.UtcNow < deadline && _process.Output.Contains("still in use", StringComparison.Ordinal))
            {
                // After a kill, the old backends may hold the shared memory for a moment.
            }
        }
    }

    /// <summary>A fast shutdown: sessions are ended, transactions rolled back, and all data written.</summary>
    public async Task StopAsync()
    {
        Running.Signal(UnixSignal.Interrupt);
        await Running.WaitForExitAsync(StopLimit).ConfigureAwait(false);
    }

    /// <summary>Turns TLS on, with a certificate and an authority for clients, and sets the rules for connections.</summary>
    /// <param name="server">The server's certificate.</param>
    /// <param name="clients">The authority of the clients' certificates.</param>
    /// <param name="rules">The lines of pg_hba.conf; connections through the socket are always permitted.</param>
    public async Task UseTlsAsync(IssuedCertificate server, TestAuthority clients, params string[] rules)
    {
        await WriteAsync("server.crt", server.CertPem).ConfigureAwait(false);
        await WriteAsync("server.key", server.KeyPem).ConfigureAwait(false);
        await WriteAsync("clients.crt", clients.Pem).ConfigureAwait(false);
        await WriteAsync("pg_hba.conf", string.Join('\n', ["local all all trust", .. rules, ""])).ConfigureAwait(false);
        await using NpgsqlConnection connection = new(SocketConnectionString() + ";Pooling=false");
        await connection.OpenAsync().ConfigureAwait(false);
        foreach (string command in (string[])[
            "alter system set ssl_ca_file = 'clients.crt'", "alter system set ssl = on", "select pg_reload_conf()"])
        {
            await using NpgsqlCommand sql = new(command, connection);
            await sql.ExecuteNonQueryAsync().ConfigureAwait(false);
        }

        await Eventually.TrueAsync(async () =>
        {
            await using NpgsqlCommand sql = new("show ssl", connection);
            return (string?)await sql.ExecuteScalarAsync().ConfigureAwait(false) == "on";
        }, StartLimit, "PostgreSQL has turned TLS on").ConfigureAwait(false);

        async Task WriteAsync(string name, string text)
        {
            string path = Path.Combine(DataDirectory, name);
            await File.WriteAllTextAsync(path, text).ConfigureAwait(false);
            await PostgresBinaries.OwnAsync(path).ConfigureAwait(false);
            await Command.CheckAsync("/bin/chmod", "600", path).ConfigureAwait(false);
        }
    }

    /// <summary>Kills the postmaster and its backends, as a crash of the machine would.</summary>
    public async Task Kill9Async()
    {
        ChildProcess postmaster = Running;
        IReadOnlyList<int> backends = ProcessTree.ChildrenOf(postmaster.Pid);
        postmaster.Signal(UnixSignal.Kill);
        foreach (int backend in backends)
        {
            ProcessTree.Kill(backend);
        }

        await postmaster.WaitForExitAsync().ConfigureAwait(false);
    }

    /// <summary>An immediate shutdown: nothing is written, so the next start recovers.</summary>
    public async Task StopAtOnceAsync()
    {
        Running.Signal(UnixSignal.Quit);
        await Running.WaitForExitAsync(StopLimit).ConfigureAwait(false);
    }

    /// <summary>Freezes the postmaster and its backends, or resumes them.</summary>
    /// <param name="isFrozen">Whether to freeze.</param>
    public void Freeze(bool isFrozen)
    {
        UnixSignal signal = isFrozen ? UnixSignal.Stop : UnixSignal.Continue;
        Running.Signal(signal); // first, so that it starts no backend that would be missed
        foreach (int backend in ProcessTree.ChildrenOf(Running.Pid))
        {
            ProcessTree.Signal(backend, signal);
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            if (!_process.HasExited)
            {
                await StopAsync().ConfigureAwait(false);
            }

            await _process.DisposeAsync().ConfigureAwait(false);
        }

        _directory.Dispose();
    }

    private static async Task<TempDirectory> InitializeAsync()
    {
        TempDirectory directory = new("initdb", inMemory: true);
        await PostgresBinaries.OwnAsync(directory.Path).ConfigureAwait(false);
        (string program, IReadOnlyList<string> arguments) = PostgresBinaries.Line("initdb",
            ["-D", Path.Combine(directory.Path, "data"), "-U", "postgres", "--auth=trust", "-E", "UTF8", "--locale=C", "--no-sync"]);
        await Command.CheckAsync(program, [.. arguments]).ConfigureAwait(false);
        return directory;
    }

    private string ConnectionString(string database, string host) => new NpgsqlConnectionStringBuilder
    {
        Host = host,
        Port = Port,
        Username = "postgres",
        Database = database,
        IncludeErrorDetail = true,
    }.ConnectionString;

    private IEnumerable<string> Arguments()
    {
        Dictionary<string, string> settings = new()
        {
            ["listen_addresses"] = "127.0.0.1",
            ["unix_socket_directories"] = SocketDirectory,
            ["fsync"] = _options.Fsync ? "on" : "off",
            ["full_page_writes"] = _options.Fsync ? "on" : "off",
            ["max_connections"] = "300",
            // In the data directory, so that a killed server leaves nothing behind; in /dev/shm it would stay.
            ["dynamic_shared_memory_type"] = "mmap",
        };
        foreach ((string name, string value) in _options.Settings)
        {
            settings[name] = value;
        }

        return ["-D", DataDirectory, "-p", Port.ToString(CultureInfo.InvariantCulture),
            .. settings.SelectMany(setting => new[] { "-c", $"{setting.Key}={setting.Value}" })];
    }

    private async Task<bool> AnswersAsync()
    {
        await using NpgsqlConnection connection = new(SocketConnectionString() + ";Pooling=false;Timeout=2");
        await connection.OpenAsync().ConfigureAwait(false);
        return true;
    }
}
