namespace PgEtcd.Frontend.Auth;

/// <summary>How users log in.</summary>
public sealed record AuthOptions
{
    /// <summary>Whether users get tokens: --auth-token is not empty.</summary>
    public required bool HasTokens { get; init; }

    /// <summary>The JSON web tokens; null for simple tokens.</summary>
    public required WebTokenOptions? WebTokens { get; init; }

    /// <summary>How long a simple token lives after its last use.</summary>
    public required TimeSpan TokenTtl { get; init; }

    /// <summary>Cost of hashing passwords: the logarithm of the rounds.</summary>
    public required int BcryptCost { get; init; }

    /// <summary>Whether the name in a client's certificate is its user when the request carries no token.</summary>
    public required bool TrustsCertificates { get; init; }
}
