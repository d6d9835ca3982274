using Dapper;
using Npgsql;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Leases;

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
    /// <exception cref="AlarmRaisedException">An alarm forbids it.</exception>
    public async Task<bool> GrantAsync(long id, long ttl, Guid grantToken, CancellationToken cancellationToken)
    {
        const string sql = """
            with granted as (
                insert into pgetcd.leases (id, ttl, expires_at, grant_token)
                select @id, @ttl, clock_timestamp() + make_interval(secs => @ttl), @grantToken
                from pgetcd.cluster where alarms & 3 = 0
                on conflict (id) do nothing returning id
            )
            select case
                when exists (select from granted) or exists (select from pgetcd.leases where id = @id and grant_token = @grantToken) then -1
                else alarms & 3 end
            from pgetcd.cluster
            """;
        const int granted = -1;
        await using NpgsqlConnection connection = await database.OpenAsync(cancellationToken);
        int outcome = await connection.ExecuteScalarAsync<int>(
            new CommandDefinition(database.Schema.Apply(sql), new { id, ttl, grantToken }, cancellationToken: cancellationToken));
        return outcome > 0 ? throw new AlarmRaisedException((AlarmKinds)outcome) : outcome == granted;
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

    /// <summary>Renews leases, all in one statement. One that has expired is never renewed, so what the leader has found
    /// expired stays so.</summary>
    /// <param name="ids">Their ids, each once.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>For each lease that is there its TTL in seconds; null if it has expired and is about to go. What is not
    /// there is not in it.</returns>
    public async Task<Dictionary<long, long?>> KeepAliveAsync(IReadOnlyCollection<long> ids, CancellationToken cancellationToken)
    {
        const string sql = """
            with renewed as (
                update pgetcd.leases set expires_at = clock_timestamp() + make_interval(secs => ttl)
                where id = any ($1) and expires_at > clock_timestamp() returning id, ttl
            )
            select id, ttl from renewed
            union all
            select id, null from pgetcd.leases where id = any ($1) and id not in (select id from renewed)
            """;
        await using NpgsqlCommand command = database.Command(sql);
        command.Parameters.Add(new NpgsqlParameter<long[]> { TypedValue = [.. ids] });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        Dictionary<long, long?> found = new(ids.Count);
        while (await reader.ReadAsync(cancellationToken))
        {
            found[reader.GetInt64(0)] = reader.IsDBNull(1) ? null : reader.GetInt64(1);
        }

        return found;
    }

    /// <summary>Leases to be revoked because they are over, the first to expire first.</summary>
    /// <param name="leader">The leader's run; anybody else gets nothing.</param>
    /// <param name="most">How many at most.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>Null when the database was away: <see cref="RenewAllAsync"/> comes first.</returns>
    public async Task<IReadOnlyList<long>?> ExpiredAsync(string leader, int most, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select renew_due, id from pgetcd.expired_leases($1, $2)");
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = leader });
        command.Parameters.Add(new NpgsqlParameter<int> { TypedValue = most });
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        List<long> ids = [];
        while (await reader.ReadAsync(cancellationToken))
        {
            if (reader.GetBoolean(0))
            {
                return null;
            }

            if (!reader.IsDBNull(1))
            {
                ids.Add(reader.GetInt64(1));
            }
        }

        return ids;
    }

    /// <summary>Gives a full TTL to all leases that were alive when the database went away, if that is due.</summary>
    /// <param name="leader">The leader's run.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>How many; null when it was not due.</returns>
    public async Task<long?> RenewAllAsync(string leader, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = database.Command("select pgetcd.renew_leases($1)");
        command.CommandTimeout = 0; // as long as there are leases; the job's token ends it
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = leader });
        return await command.ExecuteScalarAsync(cancellationToken) as long?;
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
