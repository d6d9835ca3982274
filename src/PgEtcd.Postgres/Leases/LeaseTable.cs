using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Leases;

/// <summary>The leases, on the database's clock. The log holds the attachment of keys; an append revokes a lease, so that the lease and its
/// keys go together.</summary>
public sealed class LeaseTable(Database database)
{
    // The outcome: -1 granted, 0 the id is taken, otherwise the alarms that prevent the grant.
    private const string GrantSql = "select outcome, head from pgetcd.grant_leases($1, $2, $3)";

    private const string FindSql = """
        select id, ttl, greatest(0, floor(extract(epoch from expires_at - clock_timestamp())))::bigint as remaining
        from pgetcd.leases where id = $1
        """;

    // The first row has the end of the log in place of a TTL: no lease has the id 0.
    private const string KeepAliveSql = "select id, ttl from pgetcd.keep_alive($1)";
    private const string ExpiredSql = "select renew_due, id from pgetcd.expired_leases($1, $2)";
    private const string RenewAllSql = "select pgetcd.renew_leases($1)";
    private const string ListSql = "select id from pgetcd.leases order by expires_at, id";

    /// <summary>Grants leases, all in one statement.</summary>
    /// <returns>For each, in their order, the outcome.</returns>
    public async Task<IReadOnlyList<LeaseGrantOutcome>> GrantAsync(
        IReadOnlyList<LeaseGrant> grants, CancellationToken cancellationToken)
    {
        const int granted = -1;
        return await database.Command(
            GrantSql,
            (long[])[.. grants.Select(static grant => grant.Id)],
            (long[])[.. grants.Select(static grant => grant.Ttl)],
            (Guid[])[.. grants.Select(static grant => grant.Token)])
            .ListAsync(
                static reader => reader.GetInt32(0) is var outcome && outcome > 0
                    ? new LeaseGrantOutcome(false, (AlarmKinds)outcome, reader.GetInt64(1))
                    : new LeaseGrantOutcome(outcome == granted, AlarmKinds.None, reader.GetInt64(1)),
                cancellationToken);
    }

    /// <summary>A lease; null if it does not exist.</summary>
    public Task<Lease?> FindAsync(long id, CancellationToken cancellationToken) =>
        database.Command(FindSql, id).FirstAsync<Lease>(cancellationToken);

    /// <summary>Renews leases, all in one statement. An expired lease is never renewed, so a lease that the leader has found to be expired
    /// stays expired.</summary>
    /// <param name="ids">Their ids, each once.</param>
    /// <returns>For each lease that exists, its TTL in seconds, or null if the lease has expired and is about to be revoked; and the log's
    /// revision.</returns>
    public async Task<(Dictionary<long, long?> Ttls, long Revision)> KeepAliveAsync(
        IReadOnlyCollection<long> ids, CancellationToken cancellationToken)
    {
        Dictionary<long, long?> found = new(ids.Count + 1);
        await database.Command(KeepAliveSql, (long[])[.. ids]).EachAsync(
            reader => found[reader.GetInt64(0)] = reader.IsDBNull(1) ? null : reader.GetInt64(1), cancellationToken);
        found.Remove(0, out long? head);
        return (found, head!.Value);
    }

    /// <summary>Expired leases that are to be revoked, the first to expire first.</summary>
    /// <param name="leader">The leader's run; any other run gets nothing.</param>
    /// <param name="most">Most leases.</param>
    /// <returns>Null if the database was unavailable: <see cref="RenewAllAsync"/> must be called first.</returns>
    public async Task<IReadOnlyList<long>?> ExpiredAsync(string leader, int most, CancellationToken cancellationToken)
    {
        List<(bool IsRenewalDue, long? Id)> rows =
            await database.Command(ExpiredSql, leader, most).ListAsync<(bool, long?)>(cancellationToken);
        return rows.Exists(static row => row.IsRenewalDue) ? null : [.. rows.Select(static row => row.Id).OfType<long>()];
    }

    /// <summary>Gives a full TTL to all leases that were alive when the database became unavailable, if that is due.</summary>
    /// <param name="leader">The leader's run.</param>
    /// <returns>The number of leases; null if it was not due.</returns>
    public async Task<long?> RenewAllAsync(string leader, CancellationToken cancellationToken) =>
        // The time depends on the number of leases: the job's token ends it.
        await database.Command(RenewAllSql, leader).WithoutLimit().ScalarAsync(cancellationToken) as long?;

    /// <summary>All ids, the soonest to expire first (semantics.md §8).</summary>
    public async Task<IReadOnlyList<long>> ListAsync(CancellationToken cancellationToken) =>
        await database.Command(ListSql).ListAsync<long>(cancellationToken);
}

/// <summary>A lease.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ttl">The granted TTL, seconds.</param>
/// <param name="Remaining">Remaining time in whole seconds.</param>
public sealed record Lease(long Id, long Ttl, long Remaining);

/// <summary>A lease to be granted.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Ttl">Seconds.</param>
/// <param name="Token">Identifies the grant: a repetition with the same token succeeds again.</param>
public readonly record struct LeaseGrant(long Id, long Ttl, Guid Token);

/// <summary>The outcome of a grant.</summary>
/// <param name="IsGranted">False: the id is taken, or an alarm prevents the grant.</param>
/// <param name="Refusing">The alarms that prevent it.</param>
/// <param name="Revision">The log's revision at the time.</param>
public readonly record struct LeaseGrantOutcome(bool IsGranted, AlarmKinds Refusing, long Revision)
{
    /// <summary>The revision; null when the id is taken.</summary>
    /// <exception cref="AlarmRaisedException">An alarm prevents the grant.</exception>
    public long? ToRevision() => Refusing != AlarmKinds.None ? throw new AlarmRaisedException(Refusing) : IsGranted ? Revision : null;
}
