using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PgEtcd.Server.Tls;

/// <summary>Judges clients' certificates, as etcd does.</summary>
/// <param name="authorities">--trusted-ca-file; null: those of the system.</param>
/// <param name="revoked">--client-crl-file; null: none.</param>
/// <param name="allowedHostnames">--client-cert-allowed-hostname; none: any.</param>
internal sealed class ClientTrust(
    WatchedFiles<X509Certificate2Collection>? authorities, WatchedFiles<RevocationList>? revoked, IReadOnlyList<string> allowedHostnames)
{
    private const X509ChainStatusFlags Untrusted =
        X509ChainStatusFlags.PartialChain | X509ChainStatusFlags.UntrustedRoot | X509ChainStatusFlags.NotSignatureValid;

    private static readonly Oid ClientAuthentication = new("1.3.6.1.5.5.7.3.2");

    /// <summary>Lets the platform build the chain from the client's certificates and the configured authorities alone, without
    /// asking the network.</summary>
    public X509ChainPolicy Policy()
    {
        X509ChainPolicy policy = new()
        {
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
            TrustMode = authorities is null ? X509ChainTrustMode.System : X509ChainTrustMode.CustomRootTrust,
        };
        policy.ApplicationPolicy.Add(ClientAuthentication);
        if (authorities is not null)
        {
            policy.CustomTrustStore.AddRange(authorities.Current);
        }

        return policy;
    }

    /// <summary>Why a client is refused, in etcd's words; null if it is let in.</summary>
    public string? Refusal(X509Certificate? shown, X509Chain? chain, SslPolicyErrors errors)
    {
        if (shown is not X509Certificate2 certificate || chain is null)
        {
            return "tls: client didn't provide a certificate";
        }

        if ((errors & ~SslPolicyErrors.RemoteCertificateChainErrors) != 0)
        {
            return $"tls: failed to verify certificate: {errors}";
        }

        if (errors != SslPolicyErrors.None && ChainRefusal(chain) is { } reason)
        {
            return $"tls: failed to verify certificate: x509: {reason}";
        }

        if (allowedHostnames.Count > 0 && !allowedHostnames.Any(name => certificate.MatchesHostname(name, allowCommonName: false)))
        {
            return "client certificate authentication failed";
        }

        return revoked?.Current is { } list && chain.ChainElements.FirstOrDefault(element => list.Holds(element.Certificate)) is { } found
            ? $"transport: certificate serial {found.Certificate.SerialNumber.ToLowerInvariant()} revoked"
            : null;
    }

    private string? ChainRefusal(X509Chain chain)
    {
        X509ChainStatusFlags status = chain.ChainStatus.Aggregate(X509ChainStatusFlags.NoError, (all, part) => all | part.Status);

        // An authority below the root is trusted too, as in Go.
        if (status == X509ChainStatusFlags.PartialChain && IsTrusted(chain.ChainElements[^1].Certificate))
        {
            return null;
        }

        return status switch
        {
            _ when status.HasFlag(X509ChainStatusFlags.NotTimeValid) => "certificate has expired or is not yet valid",
            _ when (status & Untrusted) != 0 => "certificate signed by unknown authority",
            _ when status.HasFlag(X509ChainStatusFlags.NotValidForUsage) => "certificate specifies an incompatible key usage",
            _ => status.ToString(),
        };
    }

    private bool IsTrusted(X509Certificate2 certificate) =>
        authorities?.Current.Any(authority => authority.RawDataMemory.Span.SequenceEqual(certificate.RawDataMemory.Span)) == true;
}
