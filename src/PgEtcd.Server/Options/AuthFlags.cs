using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.IdentityModel.Tokens;
using PgEtcd.Frontend.Auth;
using PgEtcd.Protocol;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Reads the flags about users: --auth-token, --auth-token-ttl, --bcrypt-cost, --client-cert-auth.</summary>
internal static class AuthFlags
{
    /// <summary>etcd's bounds of --bcrypt-cost; a value outside of them counts as the default.</summary>
    private const int LeastCost = 4;
    private const int MostCost = 31;

    private static readonly TimeSpan DefaultWebTokenTtl = TimeSpan.FromMinutes(5);

    /// <exception cref="FlagException">A flag is wrong, or a key cannot be read.</exception>
    public static AuthOptions Read(FlagValues values)
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
                "jwt" => WebTokens(values.Label(Flags.AuthToken), parts[1..]),
                _ => throw values.Wrong(Flags.AuthToken, "simple, or jwt with its options", parts[0]),
            },
            TokenTtl = TimeSpan.FromSeconds(ttl > 0 ? ttl : long.Parse(Flags.AuthTokenTtl.Default!, null)),
            BcryptCost = cost is >= LeastCost and <= MostCost ? (int)cost : int.Parse(Flags.BcryptCost.Default!, null),
            TrustsCertificates = values.Switch(Flags.ClientCertAuth),
        };
    }

    /// <summary>Reads the options of --auth-token jwt,…: the keys and the signing method.</summary>
    /// <param name="label">The flag's name in a message.</param>
    /// <param name="options">Options of the form name=value.</param>
    private static WebTokenOptions WebTokens(string label, IEnumerable<string> options)
    {
        Dictionary<string, string> given = [];
        foreach (string option in options)
        {
            string[] pair = option.Split('=', 2);
            if (pair.Length != 2 || pair[0] is not ("pub-key" or "priv-key" or "sign-method" or "ttl") || !given.TryAdd(pair[0], pair[1]))
            {
                throw new FlagException(
                    $"{label}: jwt takes pub-key=, priv-key=, sign-method= and ttl=, each once, not \"{FlagValues.Shown(pair[0])}\".");
            }
        }

        string method = given.GetValueOrDefault("sign-method")
            ?? throw new FlagException($"{label}: jwt needs sign-method=, for instance RS256.");
        TimeSpan ttl = !given.TryGetValue("ttl", out string? text) ? DefaultWebTokenTtl
            : Durations.Parse(text) is { } duration && duration > TimeSpan.Zero ? duration
            : throw new FlagException($"{label}: ttl must be a duration such as 10m, not \"{FlagValues.Shown(text)}\".");
        (SecurityKey? signing, SecurityKey verifying) = Keys(
            label, method, given.GetValueOrDefault("pub-key"), given.GetValueOrDefault("priv-key"));
        return new WebTokenOptions { Algorithm = method, SigningKey = signing, VerifyingKey = verifying, Ttl = ttl };
    }

    private static (SecurityKey? Signing, SecurityKey Verifying) Keys(string label, string method, string? publicPath, string? privatePath)
    {
        switch (method)
        {
            case "RS256" or "RS384" or "RS512" or "PS256" or "PS384" or "PS512":
                return Pair(
                    label, publicPath, privatePath,
                    static pem => new RsaSecurityKey(Key(pem, RSA.Create(), RSACertificateExtensions.GetRSAPublicKey)));
            case "ES256" or "ES384" or "ES512":
                return Pair(
                    label, publicPath, privatePath,
                    static pem => new ECDsaSecurityKey(Key(pem, ECDsa.Create(), ECDsaCertificateExtensions.GetECDsaPublicKey)));
            case "HS256" or "HS384" or "HS512":
                byte[] secret = Read(
                    label, privatePath ?? throw new FlagException($"{label}: {method} needs priv-key=."), File.ReadAllBytes);
                int least = int.Parse(method.AsSpan(2), null) / 8;
                if (secret.Length < least)
                {
                    throw new FlagException(
                        $"{label}: {method} needs a key of at least {least} bytes (RFC 7518), priv-key has {secret.Length}.");
                }

                SymmetricSecurityKey key = new(secret);
                return (key, key);
            case "EdDSA":
                throw new FlagException($"{label}: this platform has no EdDSA; use ES256, for instance.");
            default:
                throw new FlagException(
                    $"{label}: sign-method must be RS, PS, ES or HS with 256, 384 or 512, not \"{FlagValues.Shown(method)}\".");
        }
    }

    private static (SecurityKey? Signing, SecurityKey Verifying) Pair(
        string label, string? publicPath, string? privatePath, Func<string, AsymmetricSecurityKey> parse)
    {
        SecurityKey? signing = privatePath is null ? null : Parse(privatePath);
        SecurityKey? verifying = publicPath is null ? signing : Parse(publicPath);
        if (signing is not null && !signing.ComputeJwkThumbprint().AsSpan().SequenceEqual(verifying!.ComputeJwkThumbprint()))
        {
            throw new FlagException($"{label}: pub-key and priv-key do not belong together.");
        }

        return (signing, verifying ?? throw new FlagException($"{label}: jwt needs pub-key= or priv-key=."));

        SecurityKey Parse(string path)
        {
            string pem = Read(label, path, File.ReadAllText);
            try
            {
                return parse(pem);
            }
            catch (Exception exception) when (exception is ArgumentException or CryptographicException or InvalidOperationException)
            {
                throw new FlagException($"{label}: {FlagValues.Shown(path)} holds no key in PEM that fits sign-method.");
            }
        }
    }

    private static T Read<T>(string label, string path, Func<string, T> read)
    {
        try
        {
            return read(path);
        }
        catch (Exception exception) when (
            exception is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            throw new FlagException($"{label}: cannot read {FlagValues.Shown(path)}.");
        }
    }

    /// <summary>The key in PEM, or that of a certificate.</summary>
    /// <param name="pem">The text of the file.</param>
    /// <param name="key">An object that imports the key.</param>
    /// <param name="ofCertificate">The certificate's key of this kind; null if it has another kind.</param>
    private static T Key<T>(string pem, T key, Func<X509Certificate2, T?> ofCertificate)
        where T : AsymmetricAlgorithm
    {
        if (pem.Contains("-----BEGIN CERTIFICATE-----", StringComparison.Ordinal))
        {
            return ofCertificate(X509Certificate2.CreateFromPem(pem)) ?? throw new CryptographicException();
        }

        key.ImportFromPem(pem);
        return key;
    }
}
