using System.Reflection;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Migrations;

/// <summary>Brings the schema to the version of this binary (migrations/README.md), in one transaction under a lock, so that many
/// frontends may start at once. Tables come from numbered files that are applied once. Functions and views come from files that are all
/// applied again when the text of any of them has changed.</summary>
public sealed class Migrator(Database database, ILogger<Migrator> logger)
{
    /// <summary>Most attempts when another frontend creates the schema at the same moment.</summary>
    private const int MostRaces = 5;

    // The lock is on this schema alone, and only for its owner. Readers, such as a start with nothing to do, are not held up.
    private const string LockSql = "lock table pgetcd.migrations in exclusive mode";
    private const string SchemaExistsSql = "select exists (select from pg_namespace where nspname = $1)";

    private const string TableSql = """
        create table if not exists pgetcd.migrations (
            number     integer     primary key,  -- of the file; 0: the functions
            name       text        not null,     -- of the file, or the hash of the functions
            applied_at timestamptz not null default now()
        )
        """;

    private const string TableExistsSql = "select to_regclass($1) is not null";
    private const string StateSql = "select coalesce(max(number), 0), max(name) filter (where number = 0) from pgetcd.migrations";

    // Names are bound to PostgreSQL's own objects for the lifetime of the view or index, whatever public contains.
    private const string SettingsSql = "set local search_path = pg_catalog, pg_temp; set local check_function_bodies = off";

    private const string NoteSql = """
        insert into pgetcd.migrations (number, name) values ($1, $2)
        on conflict (number) do update set name = excluded.name, applied_at = excluded.applied_at
        """;

    private static readonly IReadOnlyList<(string Name, string Sql)> Tables = Embedded("migrations/tables/");
    private static readonly IReadOnlyList<(string Name, string Sql)> Functions = Embedded("migrations/functions/");
    private static readonly string FunctionsHash =
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(Functions.Select(file => file.Name + file.Sql)))));

    private static int Newest => Number(Tables[^1].Name);

    /// <summary>Creates the schema if necessary and applies the files that are due.</summary>
    /// <exception cref="DatabaseStartException">The database user lacks a right, or the schema is newer than this binary.</exception>
    /// <returns>The files that were applied.</returns>
    public async Task<MigrationPlan> MigrateAsync(CancellationToken cancellationToken)
    {
        for (int races = 0; ; races++)
        {
            try
            {
                await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
                await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
                MigrationPlan plan = await MigrateAsync(connection, cancellationToken);
                await transaction.CommitAsync(cancellationToken);
                return plan;
            }
            catch (PostgresException exception) when (races < MostRaces && exception.SqlState is PostgresErrorCodes.UniqueViolation
                or PostgresErrorCodes.DuplicateSchema or PostgresErrorCodes.DuplicateTable)
            {
                // Without the schema there is nothing to lock. Now it exists.
            }
        }
    }

    /// <summary>Migrates within a connection's transaction and leaves it open.</summary>
    /// <inheritdoc cref="MigrateAsync(CancellationToken)"/>
    internal async Task<MigrationPlan> MigrateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            MigrationPlan plan = await PlanAsync(connection, cancellationToken);
            if (plan.IsEmpty)
            {
                return plan; // the usual start: nothing to lock, nothing to write
            }

            await database.Command(connection, SettingsSql).RunAsync(cancellationToken);
            // No time limit: an import that creates the schema holds up others until its end.
            await EnsureSchemaAsync(connection, cancellationToken);
            await database.Command(connection, LockSql).WithoutLimit().RunAsync(cancellationToken);
            plan = await PlanAsync(connection, cancellationToken); // another frontend may have been first
            foreach ((string name, string sql) in Tables.Where(file => plan.Tables.Contains(file.Name)))
            {
                await database.Command(connection, sql).RunAsync(cancellationToken);
                await database.Command(connection, NoteSql, Number(name), name).RunAsync(cancellationToken);
                Log.Migrated(logger, database.Schema.ToString(), name);
            }

            if (plan.Functions.Count > 0)
            {
                foreach ((_, string sql) in Functions)
                {
                    // Npgsql would split the file at each semicolon, also those within begin atomic … end.
                    await database.Command(connection, $"do $apply$ begin execute $file${sql}$file$; end $apply$")
                        .RunAsync(cancellationToken);
                }

                await database.Command(connection, NoteSql, 0, FunctionsHash).RunAsync(cancellationToken);
                Log.FunctionsApplied(logger, database.Schema.ToString(), FunctionsHash);
            }

            return plan;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new DatabaseStartException(
                $"--schema: the database user may not create or change schema '{database.Schema}': {exception.MessageText}.", exception);
        }
    }

    /// <summary>Whether the schema exists, in any version.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return (await StateAsync(connection, cancellationToken)).Version > 0;
    }

    /// <summary>The files that <see cref="MigrateAsync(CancellationToken)"/> would apply now. Changes nothing.</summary>
    /// <exception cref="DatabaseStartException">The schema is newer than this binary.</exception>
    public async Task<MigrationPlan> PlanAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return await PlanAsync(connection, cancellationToken);
    }

    /// <summary>Refuses a schema of another version. Changes nothing.</summary>
    /// <param name="reason">The reason for not migrating, for the message: "--migrate=never"; empty: none.</param>
    /// <exception cref="DatabaseStartException">The schema does not exist, or is older or newer.</exception>
    public async Task CheckAsync(string reason, CancellationToken cancellationToken)
    {
        MigrationPlan plan;
        try
        {
            plan = await PlanAsync(cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            return; // a role that may read the views but not the tables: errors will show its limits
        }

        string because = reason.Length > 0 ? $", and {reason}" : "";
        string remedy = because.Length > 0 || plan.From > 0 ? ": run pgetcd migrate first" : "";
        string? fault = plan switch
        {
            { From: 0 } => $"there is no store in schema '{database.Schema}'",
            { Tables.Count: > 0 } =>
                $"'{database.Schema}' is of an older pgetcd (schema version {plan.From}, this binary needs {plan.To})",
            { Functions.Count: > 0 } =>
                $"'{database.Schema}' has the functions of another pgetcd (schema version {plan.To} as this binary's)",
            _ => null,
        };
        if (fault is not null)
        {
            throw new DatabaseStartException($"--schema: {fault}{because}{remedy}.");
        }
    }

    private async Task<MigrationPlan> PlanAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        (int version, string? functions) = await StateAsync(connection, cancellationToken);
        if (version > Newest)
        {
            throw new DatabaseStartException(
                $"--schema: '{database.Schema}' was written by a newer pgetcd (schema version {version}, "
                + $"this binary knows {Newest}); upgrade this frontend.");
        }

        return new MigrationPlan(
            version,
            Newest,
            [.. Tables.Select(file => file.Name).Where(name => Number(name) > version)],
            version == Newest && functions == FunctionsHash ? [] : [.. Functions.Select(file => $"functions/{file.Name}")]);
    }

    private async Task EnsureSchemaAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        // "create schema if not exists" needs the CREATE right on the database even if the schema exists.
        if (await database.Command(connection, SchemaExistsSql, database.Schema.ToString()).ScalarAsync(cancellationToken) is false)
        {
            await database.Command(connection, $"create schema {database.Schema.Quoted}").WithoutLimit().RunAsync(cancellationToken);
        }

        await database.Command(connection, TableSql).WithoutLimit().RunAsync(cancellationToken);
    }

    /// <summary>The version of the schema, 0 if there is none, and the hash of its functions.</summary>
    private async Task<(int Version, string? Functions)> StateAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        try
        {
            string table = $"{database.Schema.Quoted}.migrations";
            return await database.Command(connection, TableExistsSql, table).ScalarAsync(cancellationToken) is true
                ? await database.Command(connection, StateSql).FirstAsync<(int, string?)>(cancellationToken)
                : (0, null);
        }
        catch (PostgresException exception)
            when (exception.SqlState is PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.WrongObjectType)
        {
            throw new DatabaseStartException($"--schema: '{database.Schema}' has migrations that are not pgetcd's.", exception);
        }
    }

    private static int Number(string name) => int.Parse(name.AsSpan(0, 4), provider: null);

    /// <summary>The files of a folder, in order of their names.</summary>
    private static IReadOnlyList<(string Name, string Sql)> Embedded(string folder)
    {
        Assembly assembly = typeof(Migrator).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(resource => resource.StartsWith(folder, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)
            .Select(resource =>
            {
                using StreamReader reader = new(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
                return (resource[folder.Length..], reader.ReadToEnd());
            })];
    }
}

/// <summary>The steps from a schema's version to that of this binary.</summary>
/// <param name="From">The schema's version; 0: it does not exist.</param>
/// <param name="To">The version of this binary.</param>
/// <param name="Tables">The numbered files in between, in order.</param>
/// <param name="Functions">The files with functions and views: all of them, or none if the schema has those of this binary.</param>
public sealed record MigrationPlan(int From, int To, IReadOnlyList<string> Tables, IReadOnlyList<string> Functions)
{
    /// <summary>Whether the schema is as this binary needs it.</summary>
    public bool IsEmpty => Tables.Count == 0 && Functions.Count == 0;
}
