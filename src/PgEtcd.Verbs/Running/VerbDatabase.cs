using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;

namespace PgEtcd.Verbs.Running;

/// <summary>The database that a verb works on: the one that is named, or the private local one, which runs as long as it is
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

    /// <summary>Connected; the schema is as it was asked for.</summary>
    public Database Database { get; }

    /// <summary>Looks at the schema, and makes it.</summary>
    public Migrator Migrator { get; }

    /// <summary>Opens it.</summary>
    /// <param name="options">Where it is.</param>
    /// <param name="use">What to do with the schema first.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="DatabaseStartException">It cannot be used, or the schema is not there.</exception>
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
            // Our functions say in the detail which revision is not there.
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

/// <summary>What a verb does with the schema before its work.</summary>
internal enum SchemaUse
{
    /// <summary>Nothing: it may be there or not, of whatever version.</summary>
    Leave,

    /// <summary>Changes nothing; it must be there, of this binary's version.</summary>
    Check,

    /// <summary>Migrates it; it must be there.</summary>
    Migrate,

    /// <summary>Migrates it if it is there; else the verb makes it with what it writes, in one transaction.</summary>
    Create,
}
