using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Leases;

namespace PgEtcd.Frontend.Leases;

/// <summary>The leases as the services see them: the rows come from PostgreSQL, the attached keys from the replica.</summary>
public sealed class LeaseStore(LeaseTable table, Database database, Replica replica, Tail tail, Committer committer, TimeSpan timeLimit)
{
    /// <summary>Simultaneous grants share a statement.</summary>
    private readonly SharedCalls<LeaseGrant, IReadOnlyList<LeaseGrantOutcome>> _grants =
        new(database, timeLimit, TimeProvider.System, table.GrantAsync);

    private readonly LeaseRenewals _renewals = new(table, database, timeLimit, TimeProvider.System);

    /// <summary>Called when PostgreSQL's disk has no room for a lease.</summary>
    public Action? DiskIsFull { get; init; }

    /// <summary>A lease and, if asked for, its keys.</summary>
    /// <param name="Lease">The lease; null if it does not exist.</param>
    /// <param name="Keys">The keys attached to it.</param>
    public sealed record LeaseInfo(Lease? Lease, IReadOnlyCollection<ReadOnlyMemory<byte>> Keys);

    /// <summary>A lease that was granted.</summary>
    /// <param name="Id">Its id.</param>
    /// <param name="Revision">The log's revision at the grant.</param>
    public readonly record struct Granted(long Id, long Revision);

    /// <summary>Grants a lease.</summary>
    /// <param name="id">The requested id; 0 for a random one.</param>
    /// <param name="ttl">Seconds.</param>
    /// <returns>Null if the requested id is taken.</returns>
    /// <exception cref="AlarmRaisedException">An alarm forbids it.</exception>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<Granted?> GrantAsync(long id, long ttl)
    {
        try
        {
            do
            {
                LeaseGrant grant = new(id == 0 ? Random.Shared.NextInt64(1, long.MaxValue) : id, ttl, Guid.NewGuid());
                if ((await _grants.AskAsync(grant, out int number))[number].ToRevision() is { } revision)
                {
                    LeaseMetrics.Granted.Add(1);
                    LeaseMetrics.Ttl.Record(ttl);
                    return new Granted(grant.Id, revision);
                }
            }
            while (id == 0);

            return null;
        }
        catch (Exception exception) when (DatabaseErrors.IsOutOfSpace(exception))
        {
            DiskIsFull?.Invoke();
            throw;
        }
    }

    /// <summary>Revokes a lease: it is deleted together with its keys, in one revision.</summary>
    public async Task<WriteAnswer> RevokeAsync(long id, Origin origin)
    {
        WriteAnswer answer = await committer.WriteAsync(new RevokeLeaseOperation { Lease = id }, size: 0, replica, origin);
        if (answer.Error is null)
        {
            LeaseMetrics.Revoked.Add(1);
        }

        return answer;
    }

    /// <inheritdoc cref="LeaseRenewals.RenewAsync"/>
    public Task<Renewal> RenewAsync(long id) => _renewals.RenewAsync(id);

    /// <summary>Looks up a lease.</summary>
    /// <param name="id">Its id.</param>
    /// <param name="withKeys">Whether its keys are wanted.</param>
    public async Task<LeaseInfo> FindAsync(long id, bool withKeys)
    {
        Task<Lease?> finding = database.InTimeAsync(timeLimit, cancel => table.FindAsync(id, cancel));
        await Task.WhenAll(finding, tail.CatchUpAsync());
        Lease? lease = await finding;
        return new LeaseInfo(lease, lease is not null && withKeys ? replica.Current.KeysOfLease(id) : []);
    }

    /// <summary>The keys attached to a lease, as far as this frontend knows.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> AttachedTo(long id) => replica.Current.KeysOfLease(id);

    /// <summary>All ids, the soonest to expire first.</summary>
    public async Task<IReadOnlyList<long>> ListAsync()
    {
        IReadOnlyList<long> ids = await database.InTimeAsync(timeLimit, table.ListAsync);
        await tail.CatchUpAsync();
        return ids;
    }
}
