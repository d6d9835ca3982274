using Microsoft.IdentityModel.Tokens;

namespace PgEtcd.Frontend.Auth;

/// <summary>Keys and method of signing JSON web tokens (--auth-token jwt,…).</summary>
public sealed record WebTokenOptions
{
    /// <summary>The method, as a token's header names it.</summary>
    public required string Algorithm { get; init; }

    /// <summary>The key that signs; null if this server only verifies.</summary>
    public required SecurityKey? SigningKey { get; init; }

    /// <summary>The key that verifies.</summary>
    public required SecurityKey VerifyingKey { get; init; }

    /// <summary>How long a token lives.</summary>
    public required TimeSpan Ttl { get; init; }

    /// <summary>Contains no secret.</summary>
    public override string ToString() => Algorithm;
}
