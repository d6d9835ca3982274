namespace PgEtcd.Server.Configuration;

/// <summary>How users log in.</summary>
public sealed record AuthOptions
{
    /// <summary>etcd's bounds of --bcrypt-cost; what is outside counts as the default.</summary>
    private const int LeastCost = 4;
    private const int MostCost = 31;

    /// <summary>Whether there are tokens at all: --auth-token is not empty.</summary>
    public required bool HasTokens { get; init; }

    /// <summary>JSON web tokens; null: simple ones.</summary>
    public required WebTokenOptions? WebTokens { get; init; }

    /// <summary>How long a simple token lives after its last use.</summary>
    public required TimeSpan TokenTtl { get; init; }

    /// <summary>Cost of hashing passwords: the logarithm of the rounds.</summary>
    public required int BcryptCost { get; init; }

    /// <summary>The name in a client's certificate is its user, if it shows no token.</summary>
    public required bool TrustsCertificates { get; init; }

    /// <exception cref="FlagException">A flag is wrong.</exception>
    internal static AuthOptions From(FlagValues values)
    {
        string token = values.Text(Flags.AuthToken);
        string[] parts = token.Split(',');
        long ttl = values.LongNumber(Flags.AuthTokenTtl, 0, int.MaxValue);
        long cost = values.LongNumber(Flags.BcryptCost, 0, uint.MaxValue);
        return new AuthOptions
        {
            HasTokens = token.Length > 0,
            WebTokens = parts[0] switch
            {
                "" or "simple" => null,
                "jwt" => WebTokenOptions.From(values.Label(Flags.AuthToken), parts[1..]),
                _ => throw new FlagException(
                    $"{values.Label(Flags.AuthToken)} must be simple, or jwt with its options, not \"{FlagValues.Shown(parts[0])}\"."),
            },
            TokenTtl = TimeSpan.FromSeconds(ttl > 0 ? ttl : long.Parse(Flags.AuthTokenTtl.Default!, null)),
            BcryptCost = cost is >= LeastCost and <= MostCost ? (int)cost : int.Parse(Flags.BcryptCost.Default!, null),
            TrustsCertificates = values.Switch(Flags.ClientCertAuth),
        };
    }
}
