using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Tls;

/// <summary>Reads certificates and keys. Messages name the flag and the file and never repeat its content.</summary>
internal static class CertificateFiles
{
    private const string CertFlag = "--cert-file";
    private const string KeyFlag = "--key-file";

    /// <summary>A server's certificate with its key and the certificates that lead to its authority.</summary>
    /// <exception cref="TlsException">A file cannot be read or has the wrong content, or the two do not belong together.</exception>
    public static SslStreamCertificateContext ReadServer(string certFile, string keyFile)
    {
        X509Certificate2Collection chain = ReadAll(CertFlag, certFile);
        string key = ReadText(KeyFlag, keyFile);
        try
        {
            using X509Certificate2 leaf = chain[0];
            // Offline: issuers that are not in the file are not fetched from the network.
            return SslStreamCertificateContext.Create(
                X509Certificate2.CreateFromPem(leaf.ExportCertificatePem(), key), [.. chain.Skip(1)], offline: true);
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            throw new TlsException(
                key.Contains("ENCRYPTED", StringComparison.Ordinal)
                    ? $"{KeyFlag}: {Shown(keyFile)} is protected by a password; the key must be without one."
                : HoldsKey(key) ? $"{KeyFlag}: {Shown(keyFile)} does not belong to the certificate in {Shown(certFile)}."
                : $"{KeyFlag}: {Shown(keyFile)} holds no private key in PEM.", e);
        }
    }

    /// <summary>The certificates of authorities.</summary>
    /// <exception cref="TlsException">The file cannot be read or holds no certificate.</exception>
    public static X509Certificate2Collection ReadAuthorities(string path) => ReadAll("--trusted-ca-file", path);

    /// <summary>A file's bytes.</summary>
    /// <exception cref="TlsException">The file cannot be read.</exception>
    public static byte[] ReadBytes(string flag, string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException or NotSupportedException)
        {
            string reason = e switch
            {
                FileNotFoundException or DirectoryNotFoundException => "there is no such file",
                UnauthorizedAccessException => Directory.Exists(path) ? "it is a directory" : "permission denied",
                _ => e.Message.Split('\n')[0].TrimEnd('.'),
            };
            throw new TlsException($"{flag}: {Shown(path)} cannot be read: {reason}.", e);
        }
    }

    /// <summary>A path as it is shown in a one-line message.</summary>
    public static string Shown(string path) => FlagValues.Shown(path);

    private static X509Certificate2Collection ReadAll(string flag, string path)
    {
        string text = ReadText(flag, path);
        X509Certificate2Collection certificates = [];
        Exception? malformed = null;
        try
        {
            certificates.ImportFromPem(text);
        }
        catch (CryptographicException e)
        {
            malformed = e;
        }

        return malformed is null && certificates.Count > 0
            ? certificates
            : throw new TlsException($"{flag}: {Shown(path)} holds no certificate in PEM that can be used.", malformed);
    }

    private static string ReadText(string flag, string path) => System.Text.Encoding.UTF8.GetString(ReadBytes(flag, path));

    private static bool HoldsKey(string pem)
    {
        using RSA rsa = RSA.Create();
        using ECDsa ecdsa = ECDsa.Create();
        return Takes(rsa, pem) || Takes(ecdsa, pem);
    }

    private static bool Takes(AsymmetricAlgorithm algorithm, string pem)
    {
        try
        {
            algorithm.ImportFromPem(pem);
            return true;
        }
        catch (Exception e) when (e is CryptographicException or ArgumentException)
        {
            return false;
        }
    }
}
