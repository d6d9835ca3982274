using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;

namespace PgEtcd.Verbs.Running;

/// <summary>The database that a verb works on: the one that the flags name, or the private local one, which runs for as long as it is
/// needed.</summary>
internal sealed class VerbDatabase : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly ILoggerFactory _loggers;
    private readonly LocalDatabase? _local;

    private VerbDatabase(ILoggerFactory loggers, LocalDatabase? local, Database database, Migrator migrator)
    {
        Migrator = migrator;
        _loggers = loggers;
        _local = local;
        Database = database;
    }

    /// <summary>The database, connected and with the schema prepared.</summary>
    public Database Database { get; }

    /// <summary>Inspects and creates the schema.</summary>
    public Migrator Migrator { get; }

    /// <summary>Opens the database.</summary>
    /// <param name="options">The store.</param>
    /// <param name="use">The preparation of the schema.</param>
    /// <param name="cancellationToken">Abandons it.</param>
    /// <exception cref="DatabaseStartException">The database cannot be used, or the schema does not exist.</exception>
    public static async Task<VerbDatabase> OpenAsync(VerbTarget options, SchemaUse use, CancellationToken cancellationToken)
    {
        if (options.Database is null && use != SchemaUse.Create && !DataDirectory.MayHoldStore(options.DataDir, options.DataDirIsDefault))
        {
            throw new CommandException($"There is no store in {options.DataDir}: name one with --database or --data-dir.");
        }

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
                ? await LocalDatabase.StartAsync(
                    options.DataDir, options.DataDirIsDefault, loggers.CreateLogger("PgEtcd"), cancellationToken)
                : null;
            // The functions name a missing revision in the detail of the error.
            string connection = $"{options.Database ?? local!.ConnectionString};Include Error Detail=true";
            database =
                new Database(connection, new SchemaName(options.Schema), loggers, password: options.Password) { AllowsStandby = true };
            await database.ConnectAsync(ConnectLimit, cancellationToken);
            Migrator migrator = new(database, loggers.CreateLogger<Migrator>());
            await PrepareAsync(migrator, use, options, cancellationToken);
            return new VerbDatabase(loggers, local, database, migrator);
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

    private static async Task PrepareAsync(Migrator migrator, SchemaUse use, VerbTarget options, CancellationToken cancellationToken)
    {
        switch (use)
        {
            case SchemaUse.Migrate when !await migrator.ExistsAsync(cancellationToken):
                throw new DatabaseStartException($"--schema: there is no store in schema '{options.Schema}'.");
            case SchemaUse.Create when options.MayMigrate && !await migrator.ExistsAsync(cancellationToken):
                break;
            case SchemaUse.Create or SchemaUse.Migrate when options.MayMigrate:
                await migrator.MigrateAsync(cancellationToken);
                break;
            case SchemaUse.Create or SchemaUse.Migrate:
                await migrator.CheckAsync("--migrate=never", cancellationToken);
                break;
            case SchemaUse.Check:
                await migrator.CheckAsync("", cancellationToken);
                break;
            default:
                break;
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

/// <summary>The preparation of the schema before the work of a verb.</summary>
internal enum SchemaUse
{
    /// <summary>None: it may exist or not, in any version.</summary>
    Leave,

    /// <summary>A check: it must exist, in this binary's version.</summary>
    Check,

    /// <summary>A migration; it must exist.</summary>
    Migrate,

    /// <summary>A migration if it exists; else the verb creates it in the transaction of its work.</summary>
    Create,
}
