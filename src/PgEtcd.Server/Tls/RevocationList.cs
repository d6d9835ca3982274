using System.Formats.Asn1;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;

namespace PgEtcd.Server.Tls;

/// <summary>The serial numbers of --client-crl-file. As in etcd, a number suffices: the list's issuer and period are not checked, since
/// the file is the administrator's own.</summary>
internal sealed class RevocationList
{
    private const string Flag = "--client-crl-file";
    private const string Label = "X509 CRL";

    private readonly HashSet<string> _serials = new(StringComparer.Ordinal);

    /// <summary>Reads one list in DER, or any number of lists in PEM.</summary>
    /// <exception cref="TlsException">The file cannot be read, or holds no list.</exception>
    public static RevocationList Read(string path)
    {
        byte[] bytes = CertificateFiles.ReadBytes(Flag, path);
        RevocationList list = new();
        try
        {
            string text = System.Text.Encoding.Latin1.GetString(bytes);
            if (!text.Contains("-----BEGIN", StringComparison.Ordinal))
            {
                list.Add(bytes);
                return list;
            }

            bool any = false;
            for (ReadOnlySpan<char> rest = text; PemEncoding.TryFind(rest, out PemFields pem); rest = rest[pem.Location.End..])
            {
                if (rest[pem.Label].SequenceEqual(Label))
                {
                    list.Add(Convert.FromBase64String(rest[pem.Base64Data].ToString()));
                    any = true;
                }
            }

            return any ? list : throw Unusable(null);
        }
        catch (Exception e) when (e is AsnContentException or FormatException or CryptographicException)
        {
            throw Unusable(e);
        }

        TlsException Unusable(Exception? cause) =>
            new($"{Flag}: {CertificateFiles.Shown(path)} holds no certificate revocation list.", cause);
    }

    /// <summary>Whether the list holds a certificate's number.</summary>
    public bool Holds(X509Certificate2 certificate) =>
        _serials.Contains(Canonical(Convert.ToHexString(certificate.SerialNumberBytes.Span)));

    /// <summary>Adds the numbers of a CertificateList (RFC 5280 §5.1).</summary>
    private void Add(byte[] der)
    {
        AsnReader list = new AsnReader(der, AsnEncodingRules.DER).ReadSequence().ReadSequence();
        if (list.PeekTag().HasSameClassAndValue(Asn1Tag.Integer))
        {
            list.ReadInteger(); // version
        }

        list.ReadSequence(); // algorithm
        list.ReadSequence(); // issuer
        ReadTime(list); // this update
        if (list.HasData && IsTime(list.PeekTag()))
        {
            ReadTime(list); // next update
        }

        if (!list.HasData || !list.PeekTag().HasSameClassAndValue(Asn1Tag.Sequence))
        {
            return; // nothing is revoked
        }

        AsnReader revoked = list.ReadSequence();
        while (revoked.HasData)
        {
            _serials.Add(Canonical(Convert.ToHexString(revoked.ReadSequence().ReadIntegerBytes().Span)));
        }
    }

    private static bool IsTime(Asn1Tag tag) =>
        tag.HasSameClassAndValue(Asn1Tag.UtcTime) || tag.HasSameClassAndValue(Asn1Tag.GeneralizedTime);

    private static void ReadTime(AsnReader reader) =>
        _ = IsTime(reader.PeekTag()) ? reader.ReadEncodedValue() : throw new AsnContentException("A time is missing.");

    private static string Canonical(string hex) => hex.TrimStart('0');
}
