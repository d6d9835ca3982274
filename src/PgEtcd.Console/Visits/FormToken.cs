using System.Security.Cryptography;
using System.Text;
using Microsoft.AspNetCore.WebUtilities;

namespace PgEtcd.Console.Visits;

/// <summary>Proves that a form comes from one of our pages: a field computed from a random cookie and the login. Every frontend can check
/// it, as it needs no key; ASP.NET's antiforgery would keep a key on each frontend.</summary>
internal static class FormToken
{
    /// <summary>The name of the field.</summary>
    public const string Field = "form-token";

    private const string Cookie = "pgetcd_form";
    private const int Length = 32;

    /// <summary>The value of the field for a page. Sets the cookie if the browser has none.</summary>
    public static string Of(HttpContext context, Visitor visitor)
    {
        string? secret = context.Request.Cookies[Cookie];
        if (string.IsNullOrEmpty(secret))
        {
            secret = WebEncoders.Base64UrlEncode(RandomNumberGenerator.GetBytes(Length));
            context.Response.Cookies.Append(Cookie, secret, Visitors.CookieSettings(context));
        }

        return Compute(secret, visitor);
    }

    /// <summary>Whether a form was sent from one of our pages.</summary>
    public static bool IsGood(HttpContext context, Visitor visitor, string? field)
    {
        HttpRequest request = context.Request;
        string site = request.Headers["Sec-Fetch-Site"].ToString();
        string origin = request.Headers.Origin.ToString();
        return site is "" or "same-origin" or "none"
            && (origin.Length == 0 || (Uri.TryCreate(origin, UriKind.Absolute, out Uri? from) && from.Authority == request.Host.Value))
            && request.Cookies[Cookie] is { Length: > 0 } secret
            && field is not null
            && CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(field), Encoding.UTF8.GetBytes(Compute(secret, visitor)));
    }

    private static string Compute(string secret, Visitor visitor) =>
        WebEncoders.Base64UrlEncode(HMACSHA256.HashData(Encoding.UTF8.GetBytes(secret), Encoding.UTF8.GetBytes(visitor.Token)));
}
