namespace PgEtcd.Frontend.Watching;

/// <summary>How many watch, and how far they are.</summary>
public readonly record struct WatchCounts
{
    /// <summary>Streams.</summary>
    public int Streams { get; init; }

    /// <summary>Watches that get events as they come.</summary>
    public int Synced { get; init; }

    /// <summary>Watches that are being brought up.</summary>
    public int Behind { get; init; }

    /// <summary>How far the last of those is behind, revisions.</summary>
    public long Lag { get; init; }

    /// <summary>Responses that wait to be written to clients.</summary>
    public int Waiting { get; init; }

    /// <summary>Events given to watches since the start.</summary>
    public long EventsSent { get; init; }
}
