using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Postgres;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Watching;

namespace PgEtcd.Server.Store;

/// <summary>One frontend at work: the database, the replica loaded from it, and what keeps the two together.</summary>
public sealed class Frontend : IAsyncDisposable
{
    /// <summary>How long the first connection may take.</summary>
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly Database _database;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _listening;

    private Frontend(Database database, RevisionLog log, Replica replica, long term, ServerOptions options, ILoggerFactory loggers)
    {
        _database = database;
        Term = term;
        Tail tail = new(log, replica, database, options.RequestTimeout, TimeProvider.System);
        Committer committer = new(log, replica, tail, database, options.RequestTimeout, TimeProvider.System);
        Past past = new(new StateReader(database), replica, tail, database, options.RequestTimeout);
        Store = new KeyValueStore(replica, tail, committer, past, log, database, options.RequestTimeout);
        Leases = new LeaseStore(new LeaseTable(database), database, replica, tail, committer, options.RequestTimeout);
        Watches = new WatchHub(
            replica, new EventReader(database), options.MaxRequestBytes + ServerOptions.FramingAllowance,
            options.WatchProgressNotifyInterval, TimeProvider.System, loggers.CreateLogger<WatchHub>());
        _listening = new LogListener(database, log, loggers.CreateLogger<LogListener>()).RunAsync(tail.WakeAsync, _stopping.Token);
    }

    /// <summary>Keys.</summary>
    public KeyValueStore Store { get; }

    /// <summary>Leases.</summary>
    public LeaseStore Leases { get; }

    /// <summary>Watches.</summary>
    public WatchHub Watches { get; }

    /// <summary>PostgreSQL's term when we started.</summary>
    public long Term { get; }

    /// <summary>Connects, migrates, loads the state and begins to follow the log.</summary>
    /// <param name="connectionString">The database.</param>
    /// <param name="options">The flags.</param>
    /// <param name="loggers">Where to log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DatabaseStartException">The database cannot be used.</exception>
    public static async Task<Frontend> StartAsync(
        string connectionString, ServerOptions options, ILoggerFactory loggers, CancellationToken cancellationToken)
    {
        Database database = new(connectionString, new SchemaName(options.Schema), loggers);
        try
        {
            await database.ConnectAsync(ConnectLimit, cancellationToken);
            await new Migrator(database, loggers.CreateLogger<Migrator>()).MigrateAsync(cancellationToken);
            RevisionLog log = new(database, options.Name);
            long term = await log.ObserveTermAsync(cancellationToken);
            (LogPosition position, KeySpace keys) = await new StateReader(database).LoadAsync(cancellationToken);
            return new Frontend(database, log, new Replica(keys, position.AuthRevision), term, options, loggers);
        }
        catch (Exception exception)
        {
            await database.DisposeAsync();
            if (ToStartException(exception, options.Schema) is { } refusal)
            {
                throw refusal;
            }

            throw;
        }
    }

    private static DatabaseStartException? ToStartException(Exception exception, string schema) => exception switch
    {
        PostgresException { SqlState: PostgresErrorCodes.InsufficientPrivilege } refused => new(
            $"--schema: the database user may not use all of schema '{schema}': {refused.MessageText}.", exception),
        PostgresException refused => new($"--database: PostgreSQL refused the work on schema '{schema}': {refused.MessageText}.", exception),
        _ when DatabaseErrors.IsTransient(exception) => new(
            $"--database: PostgreSQL went away during the start ({exception.GetBaseException().Message.TrimEnd('.')}).", exception),
        _ => null,
    };

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _listening.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _database.DisposeAsync();
        _stopping.Dispose();
    }
}
