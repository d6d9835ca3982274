using PgEtcd.Frontend.Auth;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;

namespace PgEtcd.Console.Visits;

/// <summary>Finds the visitor by the cookie set at the login, which holds one of etcd's tokens. The token is valid at every
/// frontend.</summary>
internal sealed class Visitors(AuthStates users, Tail tail, ITokens tokens)
{
    private const string Cookie = "pgetcd_console";

    /// <summary>Identifies the visitor, after catching the replica up with everything acknowledged before.</summary>
    /// <exception cref="Postgres.Calls.StoreUnavailableException">The database did not answer in time.</exception>
    public async Task<Visitor> IdentifyAsync(HttpContext context)
    {
        await tail.CatchUpAsync();
        AuthState state = users.Current;
        string token = state.IsEnabled ? context.Request.Cookies[Cookie] ?? "" : "";
        return token.Length > 0 && await tokens.ResolveAsync(token, state) is { } credential
            ? new Visitor(new Caller(state, credential.Username, credential.ShownRevision), token)
            : new Visitor(state.Anybody, "");
    }

    /// <summary>Whether the browser sent a token, valid or not.</summary>
    public static bool HasToken(HttpContext context) => context.Request.Cookies.ContainsKey(Cookie);

    /// <summary>Stores a token in the browser until it is closed.</summary>
    public static void Remember(HttpContext context, string token) =>
        context.Response.Cookies.Append(Cookie, token, CookieSettings(context));

    /// <summary>Removes the token from the browser.</summary>
    public static void Forget(HttpContext context) => context.Response.Cookies.Delete(Cookie, CookieSettings(context));

    /// <summary>Cookies for this site alone, which scripts cannot read.</summary>
    public static CookieOptions CookieSettings(HttpContext context) => new()
    {
        HttpOnly = true,
        SameSite = SameSiteMode.Strict,
        Secure = context.Request.IsHttps,
        Path = Visit.Root,
    };
}
