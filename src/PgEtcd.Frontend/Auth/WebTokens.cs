using System.Globalization;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Auth;

/// <summary>JSON web tokens: signed, and kept nowhere. They carry etcd's auth revision, so every change of users, roles or
/// permissions ends them for keys (semantics.md §11); clients log in again.</summary>
internal sealed class WebTokens(WebTokenOptions options, TimeProvider clock) : ITokens
{
    private const string UsernameClaim = "username";
    private const string RevisionClaim = "revision";

    /// <summary>Longer ones are not ours.</summary>
    private const int MostCharacters = 16 * 1024;

    private readonly JsonWebTokenHandler _handler = new() { MaximumTokenSizeInBytes = MostCharacters, SetDefaultTimesOnTokenCreation = false };

    private readonly TokenValidationParameters _rules = new()
    {
        IssuerSigningKey = options.VerifyingKey,
        ValidAlgorithms = [options.Algorithm],
        ValidateIssuer = false,
        ValidateAudience = false,
        RequireExpirationTime = false, // etcd takes a token without one
        LifetimeValidator = (notBefore, expires, _, _) => IsAlive(clock, notBefore, expires),
    };

    public async ValueTask<Credential?> ResolveAsync(string token, AuthState state)
    {
        if (token.Length > MostCharacters)
        {
            return null;
        }

        TokenValidationResult result = await _handler.ValidateTokenAsync(token, _rules);
        return result.IsValid
            && result.Claims.TryGetValue(UsernameClaim, out object? name) && name is string username
            && result.Claims.TryGetValue(RevisionClaim, out object? revision) && revision is long or int or double
            ? new Credential(username, Convert.ToInt64(revision, CultureInfo.InvariantCulture))
            : null;
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

    private static bool IsAlive(TimeProvider clock, DateTime? notBefore, DateTime? expires)
    {
        DateTime now = clock.GetUtcNow().UtcDateTime;
        return (notBefore is null || notBefore <= now) && (expires is null || expires > now);
    }
}
