using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;

namespace PgEtcd.Testing.Tls;

/// <summary>TLS connections of test clients.</summary>
public static class TlsClient
{
    /// <summary>Options of a client that trusts one authority and has a certificate or none.</summary>
    public static SslClientAuthenticationOptions Options(TestAuthority authority, IssuedCertificate? certificate = null)
    {
        X509ChainPolicy policy = new()
        {
            TrustMode = X509ChainTrustMode.CustomRootTrust,
            RevocationMode = X509RevocationMode.NoCheck,
            DisableCertificateDownloads = true,
        };
        policy.CustomTrustStore.Add(authority.Certificate);
        return new SslClientAuthenticationOptions
        {
            CertificateChainPolicy = policy,
            ClientCertificateContext = certificate is null
                ? null
                : SslStreamCertificateContext.Create(certificate.Certificate, null, offline: true),
        };
    }

    /// <summary>Performs a handshake with a server.</summary>
    /// <exception cref="AuthenticationException">The handshake failed.</exception>
    /// <exception cref="IOException">The server closed the connection.</exception>
    public static async Task<SslStream> ConnectAsync(
        Uri server, SslClientAuthenticationOptions options, CancellationToken cancellationToken = default)
    {
        Socket socket = new(SocketType.Stream, ProtocolType.Tcp);
        SslStream? stream = null;
        try
        {
            await socket.ConnectAsync(server.Host, server.Port, cancellationToken).ConfigureAwait(false);
            stream = new SslStream(new NetworkStream(socket, ownsSocket: true));
            options.TargetHost ??= server.Host;
            await stream.AuthenticateAsClientAsync(options, cancellationToken).ConfigureAwait(false);
            return stream;
        }
        catch
        {
            stream?.Dispose();
            socket.Dispose();
            throw;
        }
    }
}
