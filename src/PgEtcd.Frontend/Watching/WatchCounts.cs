namespace PgEtcd.Frontend.Watching;

/// <summary>The number of watches, and how far behind they are.</summary>
/// <param name="Streams">Watch streams.</param>
/// <param name="Synced">Watches that get events as they come.</param>
/// <param name="Behind">Watches that are being brought up to date.</param>
/// <param name="Lag">Revisions by which the last of those is behind.</param>
/// <param name="Waiting">Responses that wait to be written to clients.</param>
/// <param name="EventsSent">Events given to watches since the start.</param>
public readonly record struct WatchCounts(int Streams, int Synced, int Behind, long Lag, int Waiting, long EventsSent);
