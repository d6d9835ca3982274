using System.Runtime.CompilerServices;
using PgEtcd.Postgres.History;

namespace PgEtcd.Server.Composition;

/// <summary>Remembers the progress of a load, and logs it every five seconds.</summary>
internal sealed class LoadProgress(TimeProvider clock, ILogger<LoadProgress> logger) : IProgress<LoadedRows>
{
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(5);

    private long _last = clock.GetTimestamp();
    private StrongBox<LoadedRows>? _latest;

    /// <inheritdoc/>
    public void Report(LoadedRows value)
    {
        Volatile.Write(ref _latest, new StrongBox<LoadedRows>(value));
        if (clock.GetElapsedTime(_last) >= Pause)
        {
            _last = clock.GetTimestamp();
            Log.Loading(logger, value.Rows, value.Expected);
        }
    }

    /// <summary>The progress in words.</summary>
    public override string ToString() => Volatile.Read(ref _latest) is { Value: var rows }
        ? $"{rows.Rows} of about {rows.Expected} rows of the state are loaded"
        : "the state is not loaded yet";
}
