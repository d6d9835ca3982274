using System.Diagnostics;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>Defragment: vacuums the schema's tables, once for all concurrent callers. The vacuum continues when its callers give up: a
/// large table takes longer than a client's deadline.</summary>
public sealed class Defragmentation(Vacuum vacuum, CancellationToken stopping)
{
    /// <summary>Last in the lock order (RunningFrontend): the vacuum runs outside of it.</summary>
    private readonly Lock _gate = new();
    private Task? _running;

    /// <summary>Vacuums, or waits for the vacuum under way.</summary>
    /// <param name="cancellationToken">Ends the wait, not the work.</param>
    /// <exception cref="VacuumRefusedException">PostgreSQL skipped a table.</exception>
    public Task RunAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _running = _running is { IsCompleted: false } underWay ? underWay : Task.Run(VacuumAsync, CancellationToken.None);
            return _running.WaitAsync(cancellationToken);
        }
    }

    private async Task VacuumAsync()
    {
        long started = Stopwatch.GetTimestamp();
        MaintenanceMetrics.Defragmenting.Add(1);
        try
        {
            await vacuum.RunAsync(stopping);
            MaintenanceMetrics.DefragmentSeconds.RecordSince(started);
        }
        catch (Exception exception) when (DatabaseErrors.IsTransient(exception))
        {
            throw new StoreUnavailableException(exception);
        }
        finally
        {
            MaintenanceMetrics.Defragmenting.Add(-1);
        }
    }
}
