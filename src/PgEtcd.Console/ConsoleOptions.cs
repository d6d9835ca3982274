namespace PgEtcd.Console;

/// <summary>--console: what the console may do.</summary>
public enum ConsoleMode
{
    /// <summary>The console is not served.</summary>
    Off,

    /// <summary>The console shows the store.</summary>
    ReadOnly,

    /// <summary>The console also changes keys.</summary>
    ReadWrite,
}

/// <summary>The configuration of the console.</summary>
public sealed record ConsoleOptions
{
    /// <summary>What the console may do.</summary>
    public ConsoleMode Mode { get; init; } = ConsoleMode.ReadOnly;

    /// <summary>--console-mask: patterns of keys whose values are never shown; <c>*</c> stands for any bytes.</summary>
    public IReadOnlyList<string> Masks { get; init; } = [];

    /// <summary>The most bytes of a key and its value together.</summary>
    public int MaxRequestBytes { get; init; } = 1_572_864;

    /// <summary>The frontend's name.</summary>
    public string FrontendName { get; init; } = "";
}
