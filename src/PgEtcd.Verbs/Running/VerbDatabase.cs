using PgEtcd.LocalPostgres;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Migrations;

namespace PgEtcd.Verbs.Running;

/// <summary>The database that a verb works on: the one that the flags name, or the private local one, which runs for as long as it is
/// needed.</summary>
internal sealed class VerbDatabase : IAsyncDisposable
{
    private static readonly TimeSpan ConnectLimit = TimeSpan.FromSeconds(30);

    private readonly ILoggerFactory _loggers = LoggerFactory.Create(logging => logging
        .SetMinimumLevel(LogLevel.Warning)
        .AddSimpleConsole(console => console.SingleLine = true)
        .Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace));
    private LocalDatabase? _local;
    private Database? _database;

    /// <summary>The database, connected and with the schema prepared.</summary>
    public Database Database => _database!;

    /// <summary>Inspects and creates the schema.</summary>
    public Migrator Migrator { get; private set; } = null!;

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

        VerbDatabase opened = new();
        try
        {
            await opened.ConnectAsync(options, cancellationToken);
            await opened.PrepareAsync(use, options, cancellationToken);
            return opened;
        }
        catch
        {
            await opened.DisposeAsync();
            throw;
        }
    }

    private async Task ConnectAsync(VerbTarget options, CancellationToken cancellationToken)
    {
        if (options.Database is null)
        {
            _local = await LocalDatabase.StartAsync(
                options.DataDir, options.DataDirIsDefault, _loggers.CreateLogger("PgEtcd"), cancellationToken);
        }

        // The functions name a missing revision in the detail of the error.
        string connection = $"{options.Database ?? _local!.ConnectionString};Include Error Detail=true";
        _database = new Database(connection, new SchemaName(options.Schema), _loggers, password: options.Password) { AllowsStandby = true };
        await _database.ConnectAsync(ConnectLimit, cancellationToken);
        Migrator = new Migrator(_database, _loggers.CreateLogger<Migrator>());
    }

    private async Task PrepareAsync(SchemaUse use, VerbTarget options, CancellationToken cancellationToken)
    {
        switch (use)
        {
            case SchemaUse.Migrate when !await Migrator.ExistsAsync(cancellationToken):
                throw new DatabaseStartException($"--schema: there is no store in schema '{options.Schema}'.");
            case SchemaUse.Create when options.MayMigrate && !await Migrator.ExistsAsync(cancellationToken):
                break;
            case SchemaUse.Create or SchemaUse.Migrate when options.MayMigrate:
                await Migrator.MigrateAsync(cancellationToken);
                break;
            case SchemaUse.Create or SchemaUse.Migrate:
                await Migrator.CheckAsync("--migrate=never", cancellationToken);
                break;
            case SchemaUse.Check:
                await Migrator.CheckAsync("", cancellationToken);
                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_database is not null)
        {
            await _database.DisposeAsync();
        }

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
