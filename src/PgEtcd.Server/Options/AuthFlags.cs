using PgEtcd.Frontend.Auth;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Reads the flags about users: --auth-token, --auth-token-ttl, --bcrypt-cost, --client-cert-auth.</summary>
internal static class AuthFlags
{
    /// <summary>etcd's bounds of --bcrypt-cost; a value outside of them counts as the default.</summary>
    private const int LeastCost = 4;
    private const int MostCost = 31;

    /// <exception cref="FlagException">A flag is wrong.</exception>
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
                "jwt" => WebTokenFlags.Read(values.Label(Flags.AuthToken), parts[1..]),
                _ => throw values.Wrong(Flags.AuthToken, "simple, or jwt with its options", parts[0]),
            },
            TokenTtl = TimeSpan.FromSeconds(ttl > 0 ? ttl : long.Parse(Flags.AuthTokenTtl.Default!, null)),
            BcryptCost = cost is >= LeastCost and <= MostCost ? (int)cost : int.Parse(Flags.BcryptCost.Default!, null),
            TrustsCertificates = values.Switch(Flags.ClientCertAuth),
        };
    }
}
