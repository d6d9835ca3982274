namespace PgEtcd.Server.Configuration;

/// <summary>Users and roles are not there yet. Whoever asks for them is refused. What brings them deletes this class.</summary>
internal static class NotYet
{
    /// <exception cref="FlagException">A flag about users has another value than its default.</exception>
    public static void Refuse(FlagValues values)
    {
        foreach (Flag flag in (Flag[])[Flags.AuthToken, Flags.AuthTokenTtl, Flags.BcryptCost])
        {
            if (values.Text(flag) != flag.Default)
            {
                throw new FlagException(
                    $"{values.Label(flag)}: authentication comes in a later version, and without it the server would not do what this asks for.");
            }
        }
    }
}
