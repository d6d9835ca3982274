using PgEtcd.Console;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Reads the flags about the console: --console, --console-mask.</summary>
internal static class ConsoleFlags
{
    /// <param name="values">The flags.</param>
    /// <param name="name">The frontend's name.</param>
    /// <exception cref="FlagException">A value is wrong.</exception>
    public static ConsoleOptions Read(FlagValues values, string name) => new()
    {
        Mode = values.Text(Flags.Console) switch
        {
            "off" => ConsoleMode.Off,
            "read-only" => ConsoleMode.ReadOnly,
            "read-write" => ConsoleMode.ReadWrite,
            var text => throw new FlagException(
                $"{values.Label(Flags.Console)} must be off, read-only or read-write, not \"{FlagValues.Shown(text)}\"."),
        },
        Masks = values.OptionalText(Flags.ConsoleMask)?.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            ?? [],
        MaxRequestBytes = values.Number(Flags.MaxRequestBytes, 1, int.MaxValue),
        FrontendName = name,
    };
}
