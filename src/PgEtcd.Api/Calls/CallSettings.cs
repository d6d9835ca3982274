using PgEtcd.Api.Connections;

namespace PgEtcd.Api.Calls;

/// <summary>Everything that goes around the calls of a server, besides the services.</summary>
internal sealed record CallSettings
{
    /// <summary>Largest request message in bytes, also after decompression.</summary>
    public int MaxMessageSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>Wrappers of each handler, the outermost first.</summary>
    public IReadOnlyList<ICallWrapper> Wrappers { get; init; } = [];

    /// <summary>What answers hold that clients have not read.</summary>
    public HeldBytes HeldAnswers { get; } = HeldBytes.OfMachine(least: 0);

    /// <summary>Counts unary calls.</summary>
    public UnaryCalls? Unary { get; init; }

    /// <summary>Whether each method has a histogram of its handling time (--metrics=extensive).</summary>
    public bool HasHandlingTimes { get; init; }
}
