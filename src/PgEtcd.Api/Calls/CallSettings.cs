using PgEtcd.Api.Connections;

namespace PgEtcd.Api.Calls;

/// <summary>Settings and wrappers that apply to all calls of a server.</summary>
internal sealed record CallSettings
{
    /// <summary>Largest request message in bytes, also after decompression.</summary>
    public int MaxMessageSize { get; init; } = 4 * 1024 * 1024;

    /// <summary>Wrappers of each handler, the outermost first.</summary>
    public IReadOnlyList<ICallWrapper> Wrappers { get; init; } = [];

    /// <summary>Memory held by answers that clients have not read.</summary>
    public HeldBytes HeldAnswers { get; } = HeldBytes.OfMachine(least: 0);

    /// <summary>Counts unary calls and reports slow ones; null for neither.</summary>
    public UnaryCalls? Unary { get; init; }

    /// <summary>Whether each method has a histogram of its handling time (--metrics=extensive).</summary>
    public bool HasHandlingTimes { get; init; }
}
