namespace PgEtcd.Api.Calls;

/// <summary>What goes around the calls of a server, besides the services themselves.</summary>
internal sealed record CallSettings
{
    /// <summary>Largest request message in bytes, also after decompression.</summary>
    public int MaxMessageSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>Put around each handler when it is bound, the outermost first.</summary>
    public IReadOnlyList<ICallWrapper> Wrappers { get; init; } = [];

    /// <summary>Counts unary calls.</summary>
    public UnaryCalls? Unary { get; init; }

    /// <summary>Whether each method has a histogram of its handling time (--metrics=extensive).</summary>
    public bool HasHandlingTimes { get; init; }
}
