using PgEtcd.Postgres.History;

namespace PgEtcd.Server.Composition;

/// <summary>Keeps the progress of a load in words, and logs it every five seconds.</summary>
internal sealed class LoadProgress(TimeProvider clock, ILogger<LoadProgress> logger) : IProgress<LoadedRows>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private long _last = clock.GetTimestamp();
    private volatile string _text = "the state is not loaded yet";

    /// <summary>The progress in words.</summary>
    public string Text => _text;

    /// <inheritdoc/>
    public void Report(LoadedRows value)
    {
        _text = $"{value.Rows} of about {value.Expected} rows of the state are loaded";
        if (clock.GetElapsedTime(_last) >= Pause)
        {
            _last = clock.GetTimestamp();
            Log.Loading(logger, value.Rows, value.Expected);
        }
    }
}
