using Npgsql;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Revisions;

namespace PgEtcd.Frontend.Maintenance;

/// <summary>When another PostgreSQL server answers than before, checks whether it still has everything that this frontend has taken in
/// (design §11): an asynchronous failover may have lost acknowledged commits.</summary>
public sealed class FailoverCheck(
    RevisionLog log, Replica replica, Tail tail, AuthStates auth, AuthTable authTable, ILogger<FailoverCheck> logger)
{
    /// <summary>Logs that rows at the end of the log were deleted, which no failover does.</summary>
    public void ReportCut(LogCutException cut) => Log.LogIsCut(logger, cut.Message);

    /// <summary>If commits were lost, moves the revision past everything that was handed out; likewise the auth revision.</summary>
    public async Task RunAsync(NpgsqlConnection connection)
    {
        if (!await authTable.EnsureRevisionAsync(connection, auth.Current.Revision))
        {
            Log.AuthLost(logger);
        }

        (long revision, KvEvent? last) = replica.End();
        if (!await log.EnsureHistoryAsync(connection, revision, last, replica.Current.CompactRevision))
        {
            Log.HistoryLost(logger, revision);
            _ = tail.WakeAsync(null);
        }
    }
}
