using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Auth;

/// <summary>JSON web tokens: signed, and stored nowhere. They carry etcd's auth revision, so every change of users, roles or permissions
/// invalidates them for requests about keys (semantics.md §11); clients log in again.</summary>
internal sealed class WebTokens(WebTokenOptions options, TimeProvider clock) : ITokens
{
    private const string UsernameClaim = "username";
    private const string RevisionClaim = "revision";

    /// <summary>Longer tokens are not ours.</summary>
    private const int MostCharacters = 16 * 1024;

    /// <summary>Above any revision: 2⁶³.</summary>
    private const double MostRevisions = 9223372036854775808;

    private readonly JsonWebTokenHandler _handler =
        new() { MaximumTokenSizeInBytes = MostCharacters, SetDefaultTimesOnTokenCreation = false };

    private readonly TokenValidationParameters _rules = new()
    {
        IssuerSigningKey = options.VerifyingKey,
        ValidAlgorithms = [options.Algorithm],
        ValidateIssuer = false,
        ValidateAudience = false,
        RequireExpirationTime = false, // etcd accepts a token without one
        LifetimeValidator = (notBefore, expires, _, _) => clock.GetUtcNow().UtcDateTime is var now
            && (notBefore is null || notBefore <= now) && (expires is null || expires > now),
    };

    public async ValueTask<Credential?> ResolveAsync(string token, AuthState state)
    {
        if (token.Length > MostCharacters)
        {
            return null;
        }

        TokenValidationResult result = await _handler.ValidateTokenAsync(token, _rules);
        return result.IsValid ? Claimed((JsonWebToken)result.SecurityToken) : null;
    }

    public Task<string?> IssueAsync(string username, AuthState state)
    {
        if (options.SigningKey is not { } key)
        {
            throw EtcdErrors.VerifyOnlyKey.ToException();
        }

        return Task.FromResult<string?>(_handler.CreateToken(new SecurityTokenDescriptor
        {
            Claims = new Dictionary<string, object> { [UsernameClaim] = username, [RevisionClaim] = state.ShownRevision },
            Expires = (clock.GetUtcNow() + options.Ttl).UtcDateTime,
            SigningCredentials = new SigningCredentials(key, options.Algorithm),
        }));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Reads the claims from the token's JSON: the package would take the only element of an array for the claim, and a text that
    /// looks like a time for a time.</summary>
    private static Credential? Claimed(JsonWebToken token)
    {
        using JsonDocument payload = JsonDocument.Parse(Base64UrlEncoder.DecodeBytes(token.EncodedPayload));
        JsonElement claims = payload.RootElement;
        return IsTime(claims, "exp") && IsTime(claims, "nbf")
            && claims.TryGetProperty(UsernameClaim, out JsonElement name) && name.ValueKind == JsonValueKind.String
            && claims.TryGetProperty(RevisionClaim, out JsonElement revision) && revision.ValueKind == JsonValueKind.Number
            && revision.TryGetDouble(out double number) && number is >= 0 and < MostRevisions
            ? new Credential(name.GetString()!, (long)number)
            : null;
    }

    private static bool IsTime(JsonElement claims, string name) =>
        !claims.TryGetProperty(name, out JsonElement time) || time.ValueKind == JsonValueKind.Number;
}
