using System.Reflection;
using System.Text;
using Dapper;
using Microsoft.Extensions.Logging;
using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Migrations;

/// <summary>Brings the schema to the version this binary knows. Migrations are numbered files, embedded, applied in
/// order inside one transaction under a lock, so that many frontends may start at once.</summary>
public sealed class Migrator(Database database, ILogger<Migrator> logger)
{
    private const string Folder = "migrations/";

    /// <summary>Creates the schema if need be and applies what is missing.</summary>
    /// <exception cref="DatabaseStartException">No permission, or the schema is newer than this binary.</exception>
    /// <returns>What was done: the version before, and the names of what was applied.</returns>
    public async Task<MigrationPlan> MigrateAsync(CancellationToken cancellationToken)
    {
        IReadOnlyList<Migration> known = Embedded();
        try
        {
            await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
            if (await VersionAsync(connection) == known[^1].Number)
            {
                return new MigrationPlan(known[^1].Number, known[^1].Number, []); // the usual start: nothing to lock, nothing to write
            }

            await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
            await connection.ExecuteAsync(database.Schema.Apply("select pg_advisory_xact_lock(1885828453, hashtext('pgetcd'))"));
            await EnsureSchemaAsync(connection);
            int version = await VersionAsync(connection);
            MigrationPlan plan = Plan(version);
            foreach (Migration migration in known.Where(m => m.Number > version))
            {
                await connection.ExecuteAsync(database.Schema.Apply(migration.Sql));
                await connection.ExecuteAsync(
                    database.Schema.Apply("insert into pgetcd.migrations (number, name) values (@Number, @Name)"), migration);
                Log.Migrated(logger, database.Schema.ToString(), migration.Name);
            }

            await transaction.CommitAsync(cancellationToken);
            return plan;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            throw new DatabaseStartException(
                $"--schema: the database user may not create or change schema '{database.Schema}': {exception.MessageText}.", exception);
        }
    }

    /// <summary>Whether the schema is there, of whatever version.</summary>
    public async Task<bool> ExistsAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return await VersionAsync(connection) > 0;
    }

    /// <summary>What <see cref="MigrateAsync"/> would do now. Changes nothing.</summary>
    /// <exception cref="DatabaseStartException">The schema is newer than this binary.</exception>
    public async Task<MigrationPlan> PlanAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return Plan(await VersionAsync(connection));
    }

    /// <summary>Changes nothing; refuses a schema that is not of this binary's version.</summary>
    /// <param name="reason">Why it is not migrated, for the message: "--migrate=never"; empty: no more than that.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="DatabaseStartException">The schema is not there, or is older or newer.</exception>
    public async Task CheckAsync(string reason, CancellationToken cancellationToken)
    {
        MigrationPlan plan;
        try
        {
            plan = await PlanAsync(cancellationToken);
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.InsufficientPrivilege)
        {
            return; // a role that may read the views and not the tables: what it may not do it is told when it does it
        }

        string because = reason.Length > 0 ? $", and {reason}" : "";
        if (plan.From == 0)
        {
            throw new DatabaseStartException($"--schema: there is no store in schema '{database.Schema}'{because}{(because.Length > 0 ? ": run pgetcd migrate first" : "")}.");
        }

        if (plan.Names.Count > 0)
        {
            throw new DatabaseStartException(
                $"--schema: '{database.Schema}' is of an older pgetcd (schema version {plan.From}, this binary needs {plan.To}){because}: run pgetcd migrate first.");
        }
    }

    private MigrationPlan Plan(int version)
    {
        IReadOnlyList<Migration> known = Embedded();
        return version > known[^1].Number
            ? throw new DatabaseStartException(
                $"--schema: '{database.Schema}' was written by a newer pgetcd (schema version {version}, this binary knows {known[^1].Number}); upgrade this frontend.")
            : new MigrationPlan(version, known[^1].Number, [.. known.Where(m => m.Number > version).Select(m => m.Name)]);
    }

    private async Task EnsureSchemaAsync(NpgsqlConnection connection)
    {
        // "create schema if not exists" wants the CREATE right on the database even when the schema is there.
        bool exists = await connection.ExecuteScalarAsync<bool>(
            "select exists (select from pg_namespace where nspname = @name)", new { name = database.Schema.ToString() });
        if (!exists)
        {
            await connection.ExecuteAsync($"create schema {database.Schema.Quoted}");
        }

        await connection.ExecuteAsync(database.Schema.Apply("""
            create table if not exists pgetcd.migrations (
                number     integer     primary key,
                name       text        not null,
                applied_at timestamptz not null default now()
            )
            """));
    }

    private async Task<int> VersionAsync(NpgsqlConnection connection)
    {
        bool exists = await connection.ExecuteScalarAsync<bool>(
            "select to_regclass(@name) is not null", new { name = $"{database.Schema.Quoted}.migrations" });
        try
        {
            return exists
                ? await connection.ExecuteScalarAsync<int>(database.Schema.Apply("select coalesce(max(number), 0) from pgetcd.migrations"))
                : 0;
        }
        catch (PostgresException exception) when (exception.SqlState is PostgresErrorCodes.UndefinedColumn or PostgresErrorCodes.WrongObjectType)
        {
            throw new DatabaseStartException($"--schema: '{database.Schema}' has migrations of something else than pgetcd.", exception);
        }
    }

    private static IReadOnlyList<Migration> Embedded()
    {
        Assembly assembly = typeof(Migrator).Assembly;
        return [.. assembly.GetManifestResourceNames()
            .Where(name => name.StartsWith(Folder, StringComparison.Ordinal))
            .Select(resource =>
            {
                using StreamReader reader = new(assembly.GetManifestResourceStream(resource)!, Encoding.UTF8);
                string name = resource[Folder.Length..];
                return new Migration(int.Parse(name.AsSpan(0, 4), provider: null), name, reader.ReadToEnd());
            })
            .OrderBy(migration => migration.Number)];
    }

    private sealed record Migration(int Number, string Name, string Sql);
}

/// <summary>How a schema comes to the version of this binary.</summary>
/// <param name="From">The version it has; 0: there is none.</param>
/// <param name="To">The version of this binary.</param>
/// <param name="Names">The files in between, in order.</param>
public sealed record MigrationPlan(int From, int To, IReadOnlyList<string> Names);
