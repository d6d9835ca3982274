namespace PgEtcd.Frontend.Watching;

/// <summary>The number of watches, and how far behind they are.</summary>
public readonly record struct WatchCounts
{
    /// <summary>Watch streams.</summary>
    public int Streams { get; init; }

    /// <summary>Watches that get events as they come.</summary>
    public int Synced { get; init; }

    /// <summary>Watches that are being brought up to date.</summary>
    public int Behind { get; init; }

    /// <summary>Revisions by which the last of those is behind.</summary>
    public long Lag { get; init; }

    /// <summary>Responses that wait to be written to clients.</summary>
    public int Waiting { get; init; }

    /// <summary>Events given to watches since the start.</summary>
    public long EventsSent { get; init; }
}
