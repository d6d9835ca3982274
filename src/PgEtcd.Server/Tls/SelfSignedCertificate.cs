using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgEtcd.Server.Addresses;

namespace PgEtcd.Server.Tls;

/// <summary>The certificate of --auto-tls. It is in <c>fixtures/client</c> below --data-dir, as in etcd, and is kept from one start to
/// the next, so that clients may pin it.</summary>
internal static class SelfSignedCertificate
{
    private const string ServerAuthentication = "1.3.6.1.5.5.7.3.1";

    /// <summary>Finds or creates the certificate. It is replaced once it has expired or its names are not the listeners'.</summary>
    /// <param name="dataDir">--data-dir.</param>
    /// <param name="years">Years that a new certificate is valid.</param>
    /// <param name="urls">The URLs of the listeners, which give the certificate its names.</param>
    /// <returns>The paths of the certificate and its key.</returns>
    /// <exception cref="TlsException">The files cannot be written.</exception>
    public static (string CertFile, string KeyFile) Prepare(string dataDir, int years, IEnumerable<ListenUrl> urls)
    {
        string directory = Path.Combine(dataDir, "fixtures", "client");
        (string certFile, string keyFile) = (Path.Combine(directory, "cert.pem"), Path.Combine(directory, "key.pem"));
        string[] names = [.. urls.Where(url => url is { IsTls: true, SocketPath: null }).SelectMany(Names).Append("localhost").Distinct()];
        try
        {
            if (!IsGood(certFile, keyFile, names))
            {
                Directory.CreateDirectory(directory);
                Make(certFile, keyFile, names, years);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new TlsException(
                $"--auto-tls: the certificate cannot be kept in {CertificateFiles.Shown(directory)}: "
                + $"{(e is UnauthorizedAccessException ? "permission denied" : e.Message.Split('\n')[0].TrimEnd('.'))}. "
                + "--data-dir determines the directory.",
                e);
        }

        return (certFile, keyFile);
    }

    private static IEnumerable<string> Names(ListenUrl url) => url switch
    {
        { Address: null } => ["127.0.0.1", "::1"],
        { IsUnspecified: true } => ["127.0.0.1", "::1", Dns.GetHostName()],
        _ => [url.Address.ToString()],
    };

    private static bool IsGood(string certFile, string keyFile, string[] names)
    {
        try
        {
            using X509Certificate2 certificate = X509Certificate2.CreateFromPemFile(certFile, keyFile);
            return certificate.NotAfter > DateTime.Now && names.All(name => certificate.MatchesHostname(name, allowCommonName: false));
        }
        catch (Exception e) when (
            e is CryptographicException or ArgumentException or FileNotFoundException or DirectoryNotFoundException)
        {
            return false;
        }
    }

    private static void Make(string certFile, string keyFile, string[] names, int years)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new("O=pgetcd", key, HashAlgorithmName.SHA256);
        SubjectAlternativeNameBuilder alternatives = new();
        foreach (string name in names)
        {
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        request.CertificateExtensions.Add(alternatives.Build());
        // The certificate is its own authority, so that a client can be given it as one (etcdctl --cacert).
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(certificateAuthority: true, false, 0, critical: true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(
            X509KeyUsageFlags.DigitalSignature | X509KeyUsageFlags.KeyEncipherment | X509KeyUsageFlags.KeyCertSign, critical: true));
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(ServerAuthentication)], critical: false));
        DateTimeOffset now = DateTimeOffset.UtcNow;
        using X509Certificate2 certificate = request.CreateSelfSigned(now.AddMinutes(-5), now.AddYears(years));

        // The key comes first and is private from its first byte on: a certificate without its key is made anew.
        File.Delete(keyFile);
        using (FileStream stream = new(keyFile, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.Write,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
        }))
        {
            stream.Write(System.Text.Encoding.ASCII.GetBytes(key.ExportPkcs8PrivateKeyPem() + "\n"));
        }

        File.WriteAllText(certFile, certificate.ExportCertificatePem() + "\n");
    }
}
