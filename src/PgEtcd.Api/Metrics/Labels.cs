namespace PgEtcd.Api.Metrics;

/// <summary>Labels of a metric, as a meter wants them.</summary>
public static class Labels
{
    /// <summary>A meter gives the same instrument twice for the same labels, and takes some that differ for the same unless they come
    /// in the order of their names.</summary>
    public static KeyValuePair<string, object?>[] InOrder(params KeyValuePair<string, object?>[] labels) =>
        [.. labels.OrderBy(label => label.Key, StringComparer.Ordinal)];
}
