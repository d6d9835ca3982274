using System.Diagnostics;
using System.Diagnostics.Metrics;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.History;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>Operators' requests about the whole store (semantics.md §10), except alarms.</summary>
public sealed class StoreMaintenance(
    HashReader hashes, StorageTable storage, StorageSizes sizes, Defragmentation defragmentation, Database database, TimeSpan timeLimit)
{
    /// <summary>Hashes the key space as etcd does. The time is proportional to the number of rows.</summary>
    /// <param name="revision">The last revision to hash; 0: the present one.</param>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer.</exception>
    public Task<HashedKeys> HashKeysAsync(long revision, CancellationToken cancellationToken) =>
        ReadAsync(MaintenanceMetrics.HashKeysSeconds, () => hashes.HashKeysAsync(revision, cancellationToken), cancellationToken);

    /// <summary>Hashes all durable data.</summary>
    /// <param name="cancellationToken">Ends it.</param>
    /// <exception cref="StoreUnavailableException">The database did not answer.</exception>
    public Task<HashedKeys> HashAllAsync(CancellationToken cancellationToken) =>
        ReadAsync(MaintenanceMetrics.HashSeconds, () => hashes.HashAllAsync(cancellationToken), cancellationToken);

    /// <inheritdoc cref="Defragmentation.RunAsync"/>
    public Task DefragmentAsync(CancellationToken cancellationToken) => defragmentation.RunAsync(cancellationToken);

    /// <summary>Records a downgrade for all frontends.</summary>
    /// <param name="version">The target version.</param>
    /// <returns>False when one is under way already.</returns>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task<bool> EnableDowngradeAsync(string version) =>
        database.InTimeAsync(timeLimit, cancel => storage.EnableDowngradeAsync(version, cancel));

    /// <summary>Cancels the downgrade.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public Task CancelDowngradeAsync() => database.InTimeAsync(timeLimit, async cancel =>
    {
        await storage.CancelDowngradeAsync(cancel);
        return true;
    });

    /// <summary>Whether a downgrade is under way in the cluster.</summary>
    /// <exception cref="StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<bool> IsDowngradingAsync() => (await sizes.MeasureAsync()).DowngradeTarget is not null;

    private static async Task<HashedKeys> ReadAsync(
        Histogram<double> seconds, Func<Task<HashedKeys>> read, CancellationToken cancellationToken)
    {
        long started = Stopwatch.GetTimestamp();
        try
        {
            HashedKeys hashed = await read();
            if (hashed.Error == KvError.None)
            {
                seconds.RecordSince(started);
            }

            return hashed;
        }
        catch (Exception exception) when (!cancellationToken.IsCancellationRequested && DatabaseErrors.IsTransient(exception))
        {
            throw new StoreUnavailableException(exception);
        }
    }
}
