using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>Makes the space of dead rows usable again: a plain VACUUM of every table of the schema, which hinders no other work.</summary>
public sealed class Vacuum(Database database)
{
    // The archive's partitions only ever grow, until they are dropped.
    private const string TablesSql = """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'pgetcd' and c.relkind = 'r' and not c.relispartition order by c.relname
        """;

    /// <summary>Vacuums all tables, one after the other.</summary>
    /// <param name="cancellationToken">Ends the work between two tables or within one.</param>
    /// <exception cref="VacuumRefusedException">PostgreSQL skipped a table; the others are vacuumed.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // A connection of its own: VACUUM has no time limit, and a skipped table is reported as a warning.
        await using NpgsqlConnection connection = await database.OpenUnpooledAsync(commandTimeout: 0, cancellationToken);
        List<string> warnings = [];
        connection.Notice += (_, notice) =>
        {
            if (notice.Notice.InvariantSeverity == "WARNING")
            {
                warnings.Add(notice.Notice.MessageText);
            }
        };
        NpgsqlCommand list = database.Command(connection, TablesSql);
        foreach (string table in await list.ListAsync<string>(cancellationToken))
        {
            // No truncation: cutting off free pages at a table's end would lock out writers for a moment.
            await database.Command(connection, $"vacuum (truncate false) {database.Schema.Quoted}.\"{table}\"").RunAsync(cancellationToken);
        }

        if (warnings.Count > 0)
        {
            throw new VacuumRefusedException(string.Join("; ", warnings));
        }
    }
}

/// <summary>PostgreSQL refused to vacuum a table: only its owner, or the database's, may.</summary>
/// <param name="reason">PostgreSQL's message.</param>
public sealed class VacuumRefusedException(string reason) : Exception(reason);
