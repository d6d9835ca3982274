namespace PgEtcd.Console;

/// <summary>--console: what the console may do.</summary>
public enum ConsoleMode
{
    /// <summary>There is none.</summary>
    Off,

    /// <summary>It shows the store.</summary>
    ReadOnly,

    /// <summary>It changes keys too.</summary>
    ReadWrite,
}

/// <summary>How the console is set up.</summary>
public sealed record ConsoleOptions
{
    /// <summary>What it may do.</summary>
    public ConsoleMode Mode { get; init; } = ConsoleMode.ReadOnly;

    /// <summary>--console-mask: patterns of keys whose values are never shown; <c>*</c> stands for any bytes.</summary>
    public IReadOnlyList<string> Masks { get; init; } = [];

    /// <summary>Bytes of a key and its value at most.</summary>
    public int MaxRequestBytes { get; init; } = 1_572_864;

    /// <summary>The frontend's name.</summary>
    public string FrontendName { get; init; } = "";
}
