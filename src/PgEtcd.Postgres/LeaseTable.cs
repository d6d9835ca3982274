using Dapper;
using Npgsql;

namespace PgEtcd.Postgres;

/// <summary>The leases, on the database's clock. Which keys are attached is the log's matter; revoking goes through the
/// append, so that a lease and its keys go together.</summary>
public sealed class LeaseTable(Database database)
{
    /// <summary>Grants a lease.</summary>
    /// <param name="id">The lease's id.</param>
    /// <param name="ttl">Seconds.</param>
    /// <param name="grantToken">Names this grant: repeated with the same token it succeeds again.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>False when the id is taken.</returns>
    public async Task<bool> GrantAsync(long id, long ttl, Guid grantToken, CancellationToken cancellationToken)
    {
        const string sql = """
            with granted as (
                insert into pgetcd.leases (id, ttl, expires_at, grant_token)
                values (@id, @ttl, clock_timestamp() + make_interval(secs => @ttl), @grantToken)
                on conflict (id) do nothing returning id
            )
            select exists (select from granted)
                or exists (select from pgetcd.leases where id = @id and grant_token = @grantToken)
            """;
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return await connection.ExecuteScalarAsync<bool>(
            new CommandDefinition(database.Schema.Apply(sql), new { id, ttl, grantToken }, cancellationToken: cancellationToken));
    }

    /// <summary>One lease, or null.</summary>
    public async Task<Lease?> FindAsync(long id, CancellationToken cancellationToken)
    {
        const string sql = """
            select id, ttl, greatest(0, floor(extract(epoch from expires_at - clock_timestamp())))::bigint as remaining
            from pgetcd.leases where id = @id
            """;
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return await connection.QuerySingleOrDefaultAsync<Lease>(
            new CommandDefinition(database.Schema.Apply(sql), new { id }, cancellationToken: cancellationToken));
    }

    /// <summary>All ids, the soonest to expire first (semantics.md §8).</summary>
    public async Task<IReadOnlyList<long>> ListAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        return [.. await connection.QueryAsync<long>(
            new CommandDefinition(database.Schema.Apply("select id from pgetcd.leases order by expires_at, id"), cancellationToken: cancellationToken))];
    }
}

/// <summary>A lease.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ttl">Granted, seconds.</param>
/// <param name="Remaining">Whole seconds left.</param>
public sealed record Lease(long Id, long Ttl, long Remaining);
