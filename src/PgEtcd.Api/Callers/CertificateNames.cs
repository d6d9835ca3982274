using System.Security.Cryptography.X509Certificates;
using Grpc.Core;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Api.Calls;

namespace PgEtcd.Api.Callers;

/// <summary>The user that a client's certificate names. The handshake has checked the certificate.</summary>
internal static class CertificateNames
{
    private const string CommonName = "2.5.4.3";

    /// <summary>Header set by etcd's gateway, which may run in front of this server. The certificate is then the gateway's and names no
    /// user.</summary>
    private const string OfAGateway = "grpcgateway-accept";

    /// <summary>The common name; null without a certificate, and for calls of a gateway, whether ours or etcd's
    /// (semantics.md §11).</summary>
    public static string? Of(ServerCallContext context) =>
        context is RemoteCall { Http: { } http } && !http.Request.Headers.ContainsKey(OfAGateway)
        && http.Features.Get<ITlsConnectionFeature>()?.ClientCertificate is { } certificate
            ? Of(certificate)
            : null;

    internal static string? Of(X509Certificate2 certificate)
    {
        string? name = certificate.SubjectName.EnumerateRelativeDistinguishedNames(reversed: false)
            .Where(part => !part.HasMultipleElements && part.GetSingleElementType().Value == CommonName)
            .Select(part => part.GetSingleElementValue()).LastOrDefault();
        return string.IsNullOrEmpty(name) ? null : name;
    }
}
