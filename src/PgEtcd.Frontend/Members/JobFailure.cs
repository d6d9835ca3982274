using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Frontend.Members;

/// <summary>The failure of a heartbeat or of a leader's job.</summary>
internal static class JobFailure
{
    /// <summary>Counts it, and logs it unless the database is away, which the waiting requests report.</summary>
    public static void Report(ILogger logger, Exception exception)
    {
        DatabaseMetrics.Failed(exception);
        if (exception is not (OperationCanceledException or StoreUnavailableException) && !DatabaseErrors.IsTransient(exception))
        {
            Log.JobFailed(logger, exception.GetBaseException().Message);
        }
    }
}
