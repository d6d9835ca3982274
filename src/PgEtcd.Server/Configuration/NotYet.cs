namespace PgEtcd.Server.Configuration;

/// <summary>TLS is not there yet. Whoever asks for them is refused: a server told to use TLS must not serve plain
/// text. What brings it deletes this class.</summary>
internal static class NotYet
{
    /// <exception cref="FlagException">A flag of <see cref="FlagGroup.Security"/> has another value than its default.</exception>
    public static void Refuse(FlagValues values)
    {
        foreach (Flag flag in Flags.All.Where(flag => flag.Group == FlagGroup.Security && flag != Flags.AuthToken && flag != Flags.AuthTokenTtl && flag != Flags.BcryptCost))
        {
            if (flag.IsSwitch ? values.Switch(flag) != bool.Parse(flag.Default!) : values.Text(flag) != flag.Default)
            {
                throw new FlagException(
                    $"{values.Label(flag)}: TLS comes in a later version, and without them the server would not do what this asks for.");
            }
        }
    }

    /// <summary>What to say about an https:// or unixs:// URL to listen on.</summary>
    public static FlagException Tls(string label, string url) =>
        new($"{label} has {FlagValues.Shown(url)}, but TLS comes in a later version: use http://.");
}
