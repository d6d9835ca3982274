using PgEtcd.Postgres.History;

namespace PgEtcd.Server.Composition;

/// <summary>Logs the progress of a long load every five seconds.</summary>
internal sealed class LoadProgress(TimeProvider clock, ILogger<LoadProgress> logger) : IProgress<LoadedRows>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private long _last = clock.GetTimestamp();

    /// <inheritdoc/>
    public void Report(LoadedRows value)
    {
        if (clock.GetElapsedTime(_last) >= Pause)
        {
            _last = clock.GetTimestamp();
            Log.Loading(logger, value.Rows, value.Expected);
        }
    }
}
