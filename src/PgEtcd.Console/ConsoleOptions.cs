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
/// <param name="Mode">What the console may do.</param>
/// <param name="Masks">--console-mask: patterns of keys whose values are never shown; <c>*</c> stands for any bytes.</param>
/// <param name="MaxRequestBytes">The most bytes of a key and its value together.</param>
/// <param name="FrontendName">The frontend's name.</param>
public sealed record ConsoleOptions(ConsoleMode Mode, IReadOnlyList<string> Masks, int MaxRequestBytes, string FrontendName);
