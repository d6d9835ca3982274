using Npgsql;
using PgEtcd.Testing.Processes;
using Xunit;

namespace PgEtcd.Testing.Postgres;

/// <summary>PgBouncer in transaction mode in front of a PostgreSQL: every transaction may run in another session.</summary>
/// <remarks>Debian's, or the one in TESTED_PGBOUNCER, which prepares statements (1.21 or newer).</remarks>
public sealed class PgBouncer : IAsyncDisposable
{
    /// <summary>Fewer sessions than the connections of a frontend, so that they are always shared.</summary>
    public const int Sessions = 4;

    private const string Debians = "/usr/sbin/pgbouncer";

    private static readonly string? Newer = Environment.GetEnvironmentVariable("TESTED_PGBOUNCER");

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new("pgbouncer");
    private readonly int _port = FreePort.Next();
    private readonly NpgsqlConnectionStringBuilder _server;
    private readonly bool _prepares;
    private ChildProcess? _process;

    private PgBouncer(ITestDatabase server, bool prepares) =>
        (_server, _prepares) = (new NpgsqlConnectionStringBuilder(server.ConnectionString()), prepares);

    /// <summary>The last lines of its output.</summary>
    public string Output => _process?.Output ?? "";

    /// <summary>Skips the test if the program is missing; without Debian's program it fails in CI.</summary>
    public static void Require(bool prepares = false)
    {
        Skip.If(prepares && Newer is null, "TESTED_PGBOUNCER names no PgBouncer that prepares statements");
        Tool.Require(prepares ? Newer! : Debians, "pgbouncer");
    }

    /// <summary>Starts a PgBouncer and waits until it serves.</summary>
    public static async Task<PgBouncer> StartAsync(ITestDatabase server, bool prepares = false)
    {
        PgBouncer bouncer = new(server, prepares);
        try
        {
            await bouncer.StartAsync().ConfigureAwait(false);
            return bouncer;
        }
        catch
        {
            await bouncer.DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>A connection string to a database through PgBouncer.</summary>
    public string ConnectionString(string database) => new NpgsqlConnectionStringBuilder
    {
        Host = "127.0.0.1",
        Port = _port,
        Username = _server.Username,
        Database = database,
    }.ConnectionString;

    /// <summary>Kills it and starts another in its place.</summary>
    public async Task RestartAsync()
    {
        await _process!.DisposeAsync().ConfigureAwait(false);
        await RunAsync().ConfigureAwait(false);
    }

    /// <summary>Sends a command to the console, such as RECONNECT.</summary>
    /// <remarks>By psql, since the console supports only the simple protocol.</remarks>
    public Task CommandAsync(string command) => Command.CheckAsync(
        "psql", "-X", "-q", "-h", "127.0.0.1", "-p", $"{_port}", "-U", _server.Username!, "-d", "pgbouncer", "-c", command);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_process is not null)
        {
            await _process.DisposeAsync().ConfigureAwait(false);
        }

        _directory.Dispose();
    }

    private async Task StartAsync()
    {
        string users = Path.Combine(_directory.Path, "users");
        await File.WriteAllTextAsync(users, $"\"{_server.Username}\" \"\"\n").ConfigureAwait(false);
        await File.WriteAllTextAsync(Path.Combine(_directory.Path, "pgbouncer.ini"), $"""
            [databases]
            * = host={_server.Host} port={_server.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {_port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {users}
            admin_users = {_server.Username}
            pool_mode = transaction
            default_pool_size = {Sessions}
            max_client_conn = 500
            {(_prepares ? "max_prepared_statements = 100" : "")}
            """).ConfigureAwait(false);
        await RunAsync().ConfigureAwait(false);
    }

    private async Task RunAsync()
    {
        // Like PostgreSQL, PgBouncer refuses to run as root.
        (string program, IReadOnlyList<string> arguments) =
            PostgresBinaries.User(_prepares ? Newer! : Debians, Path.Combine(_directory.Path, "pgbouncer.ini"));
        _process = ChildProcess.Start("pgbouncer", program, arguments);
        await _process.WaitUntilAsync(
            async () =>
            {
                NpgsqlConnectionStringBuilder settings = new(ConnectionString("postgres")) { Pooling = false, Timeout = 2 };
                NpgsqlConnection connection = new(settings.ConnectionString);
                await using (connection.ConfigureAwait(false))
                {
                    await connection.OpenAsync().ConfigureAwait(false);
                    return true;
                }
            },
            StartLimit,
            "PgBouncer serves").ConfigureAwait(false);
    }
}
