using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PgEtcd.Testing.Tls;

/// <summary>An authority that signs the certificates of a test.</summary>
public sealed class TestAuthority
{
    /// <summary>Extended key usages.</summary>
    public const string ForServers = "1.3.6.1.5.5.7.3.1", ForClients = "1.3.6.1.5.5.7.3.2";

    private readonly X509Certificate2 _certificate;
    private long _serial = 0x00ff_0000 + Random.Shared.Next(0xffff); // the first byte needs a zero before it in DER
    private int _lists;

    /// <param name="name">The common name.</param>
    /// <param name="issuer">The issuer; null for a self-signed authority.</param>
    public TestAuthority(string name = "authority", TestAuthority? issuer = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509KeyUsageExtension(X509KeyUsageFlags.KeyCertSign | X509KeyUsageFlags.CrlSign, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        (DateTimeOffset from, DateTimeOffset to) = (DateTimeOffset.UtcNow.AddYears(-2), DateTimeOffset.UtcNow.AddYears(1));
        if (issuer is null)
        {
            _certificate = request.CreateSelfSigned(from, to);
            return;
        }

        using X509Certificate2 signed = request.Create(issuer._certificate, from, to, issuer.NextSerial());
        _certificate = signed.CopyWithPrivateKey(key);
    }

    /// <summary>The certificate in PEM.</summary>
    public string Pem => _certificate.ExportCertificatePem() + "\n";

    /// <summary>The certificate, for clients that trust it.</summary>
    public X509Certificate2 Certificate => _certificate;

    /// <summary>A server's certificate for 127.0.0.1 and localhost.</summary>
    public IssuedCertificate Server(string commonName = "server") => Issue(commonName, ForServers, ["127.0.0.1", "localhost"]);

    /// <summary>A client's certificate.</summary>
    public IssuedCertificate Client(string commonName, params string[] names) => Issue(commonName, ForClients, names);

    /// <summary>Signs a certificate.</summary>
    /// <param name="commonName">The common name, possibly empty.</param>
    /// <param name="usage">The extended key usage.</param>
    /// <param name="names">The host names and IP addresses.</param>
    /// <param name="until">The end of its validity; by default in half a year.</param>
    public IssuedCertificate Issue(string commonName, string usage, IEnumerable<string> names, DateTimeOffset? until = null)
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        CertificateRequest request = new(commonName.Length == 0 ? "O=nobody" : $"CN={commonName}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509EnhancedKeyUsageExtension([new Oid(usage)], false));
        // Like every tool: it distinguishes two authorities with the same name.
        request.CertificateExtensions.Add(X509AuthorityKeyIdentifierExtension.CreateFromSubjectKeyIdentifier(
            _certificate.Extensions.OfType<X509SubjectKeyIdentifierExtension>().Single()));
        SubjectAlternativeNameBuilder alternatives = new();
        bool any = false;
        foreach (string name in names)
        {
            any = true;
            if (IPAddress.TryParse(name, out IPAddress? address))
            {
                alternatives.AddIpAddress(address);
            }
            else
            {
                alternatives.AddDnsName(name);
            }
        }

        if (any)
        {
            request.CertificateExtensions.Add(alternatives.Build());
        }

        using X509Certificate2 signed = request.Create(
            _certificate, DateTimeOffset.UtcNow.AddYears(-1), until ?? DateTimeOffset.UtcNow.AddMonths(6), NextSerial());
        return new IssuedCertificate(
            signed.CopyWithPrivateKey(key), signed.ExportCertificatePem() + "\n", key.ExportPkcs8PrivateKeyPem() + "\n");
    }

    /// <summary>A revocation list in DER.</summary>
    public byte[] Revoke(params IssuedCertificate[] revoked)
    {
        CertificateRevocationListBuilder list = new();
        foreach (IssuedCertificate one in revoked)
        {
            list.AddEntry(one.Certificate);
        }

        return list.Build(_certificate, ++_lists, DateTimeOffset.UtcNow.AddDays(1), HashAlgorithmName.SHA256);
    }

    /// <summary>A revocation list in PEM.</summary>
    public string RevokePem(params IssuedCertificate[] revoked) => PemEncoding.WriteString("X509 CRL", Revoke(revoked)) + "\n";

    private byte[] NextSerial()
    {
        byte[] serial = BitConverter.GetBytes(IPAddress.HostToNetworkOrder(++_serial));
        return serial;
    }
}

/// <summary>A certificate with its key, also as PEM.</summary>
public sealed record IssuedCertificate(X509Certificate2 Certificate, string CertPem, string KeyPem);
