using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Maintenance;

/// <summary>Makes the room of dead rows usable again: a plain VACUUM of every table of the schema, beside which all goes on.</summary>
public sealed class Vacuum(Database database)
{
    // The archive's partitions are only ever added to, and dropped.
    private const string TablesSql = """
        select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
        where n.nspname = 'pgetcd' and c.relkind = 'r' and not c.relispartition order by c.relname
        """;

    /// <summary>Vacuums all tables, one after the other.</summary>
    /// <param name="cancellationToken">Ends it between two tables or within one.</param>
    /// <exception cref="VacuumRefusedException">PostgreSQL left out a table; the others have been done.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        // Its own connection: VACUUM may take as long as it likes, and a table that it could not do comes as a warning.
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
            // No truncation: to cut off free pages at a table's end it would lock writers out for a moment.
            await database.Command(connection, $"vacuum (truncate false) {database.Schema.Quoted}.\"{table}\"").RunAsync(cancellationToken);
        }

        if (warnings.Count > 0)
        {
            throw new VacuumRefusedException(string.Join("; ", warnings));
        }
    }
}

/// <summary>PostgreSQL would not vacuum a table: its owner, or the database's, must.</summary>
/// <param name="reason">PostgreSQL's words.</param>
public sealed class VacuumRefusedException(string reason) : Exception(reason);
