using PgEtcd.Postgres;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.LocalPostgres;

namespace PgEtcd.Server.Commands;

/// <summary>The database that a verb works on: the one that is named, or the private local one, which runs as long as it is
/// needed.</summary>
internal sealed class VerbDatabase : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly ILoggerFactory _loggers;
    private readonly LocalDatabase? _local;

    private VerbDatabase(ILoggerFactory loggers, LocalDatabase? local, Database database)
    {
        _loggers = loggers;
        _local = local;
        Database = database;
    }

    /// <summary>Connected; the schema is there and up to date.</summary>
    public Database Database { get; }

    /// <summary>Opens it.</summary>
    /// <param name="options">Where it is.</param>
    /// <param name="mayCreate">Make the schema if it is not there.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DatabaseStartException">It cannot be used, or the schema is not there.</exception>
    public static async Task<VerbDatabase> OpenAsync(ServerOptions options, bool mayCreate, CancellationToken cancellationToken)
    {
        ILoggerFactory loggers = LoggerFactory.Create(logging => logging
            .SetMinimumLevel(LogLevel.Warning)
            .AddSimpleConsole(console => console.SingleLine = true)
            .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
                console => console.LogToStandardErrorThreshold = LogLevel.Trace));
        LocalDatabase? local = null;
        Database? database = null;
        try
        {
            local = options.Database is null
                ? await LocalDatabase.StartAsync(options.DataDir, options.DataDirIsDefault, loggers.CreateLogger("PgEtcd"), cancellationToken)
                : null;
            database = new Database(options.Database ?? local!.ConnectionString, new SchemaName(options.Schema), loggers);
            await database.ConnectAsync(ConnectLimit, cancellationToken);
            Migrator migrator = new(database, loggers.CreateLogger<Migrator>());
            if (!mayCreate && !await migrator.ExistsAsync(cancellationToken))
            {
                throw new DatabaseStartException($"--schema: there is no store in schema '{options.Schema}'.");
            }

            await migrator.MigrateAsync(cancellationToken);
            return new VerbDatabase(loggers, local, database);
        }
        catch
        {
            if (database is not null)
            {
                await database.DisposeAsync();
            }

            if (local is not null)
            {
                await local.DisposeAsync();
            }

            loggers.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Database.DisposeAsync();
        if (_local is not null)
        {
            await _local.DisposeAsync();
        }

        _loggers.Dispose();
    }
}
