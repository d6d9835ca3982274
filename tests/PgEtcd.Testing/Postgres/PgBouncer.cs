using Npgsql;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Testing.Postgres;

/// <summary>Debian's PgBouncer in transaction mode in front of a PostgreSQL: every transaction may run in another session.</summary>
public sealed class PgBouncer : IAsyncDisposable
{
    /// <summary>Fewer sessions than the connections of a frontend, so that they are always shared.</summary>
    public const int Sessions = 4;

    private const string Program = "/usr/sbin/pgbouncer";

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new("pgbouncer");
    private readonly int _port = FreePort.Next();
    private readonly NpgsqlConnectionStringBuilder _server;
    private ChildProcess? _process;

    private PgBouncer(ITestDatabase server) => _server = new NpgsqlConnectionStringBuilder(server.ConnectionString());

    /// <summary>The last lines of its output.</summary>
    public string Output => _process?.Output ?? "";

    /// <summary>Skips the test if the program is missing, except in CI.</summary>
    public static void Require() => Tool.Require(Program, "pgbouncer");

    /// <summary>Starts a PgBouncer and waits until it serves.</summary>
    public static async Task<PgBouncer> StartAsync(ITestDatabase server)
    {
        PgBouncer bouncer = new(server);
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
        string configuration = Path.Combine(_directory.Path, "pgbouncer.ini");
        await File.WriteAllTextAsync(users, $"\"{_server.Username}\" \"\"\n").ConfigureAwait(false);
        await File.WriteAllTextAsync(configuration, $"""
            [databases]
            * = host={_server.Host} port={_server.Port}
            [pgbouncer]
            listen_addr = 127.0.0.1
            listen_port = {_port}
            unix_socket_dir =
            auth_type = trust
            auth_file = {users}
            pool_mode = transaction
            default_pool_size = {Sessions}
            max_client_conn = 500
            """).ConfigureAwait(false);
        // Like PostgreSQL, PgBouncer refuses to run as root.
        (string program, IReadOnlyList<string> arguments) = PostgresBinaries.Line(Program, [configuration]);
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
