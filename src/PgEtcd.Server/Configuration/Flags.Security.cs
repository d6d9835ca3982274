
namespace PgEtcd.Server.Configuration;

/// <content>TLS, users and roles.</content>
internal static partial class Flags
{
    public static readonly Flag CertFile = Security(
        "cert-file", "", "path", "Server certificate, followed by intermediate certificates, PEM.");

    public static readonly Flag KeyFile = Security("key-file", "", "path", "Private key of the server certificate, PEM.");

    public static readonly Flag TrustedCaFile = Security("trusted-ca-file", "", "path",
        "Authorities that sign client certificates, PEM. Clients must then present a certificate, as with --client-cert-auth.");

    public static readonly Flag ClientCertAuth = Security("client-cert-auth", "false", "",
        "Require and check client certificates; their common names are users when authentication is on.");

    public static readonly Flag ClientCrlFile = Security("client-crl-file", "", "path", "Revoked client certificates: a CRL, PEM or DER.");

    public static readonly Flag ClientCertAllowedHostname = Security("client-cert-allowed-hostname", "", "names",
        "Comma-separated host names or IP addresses; a client certificate must have one of them.");

    public static readonly Flag AutoTls = Security("auto-tls", "false", "",
        "Serve https:// with a self-signed certificate, kept under --data-dir, if there is no --cert-file.");

    public static readonly Flag SelfSignedCertValidity = Security(
        "self-signed-cert-validity", "1", "years", "Years that the certificate of --auto-tls is valid.");

    public static readonly Flag CipherSuites = Security("cipher-suites", "", "names",
        "Comma-separated TLS 1.2 cipher suites to offer, by Go's names (default: the system's choice).");

    public static readonly Flag TlsMinVersion = Security("tls-min-version", "TLS1.2", "version", "TLS1.2 or TLS1.3.");

    public static readonly Flag TlsMaxVersion = Security("tls-max-version", "", "version", "TLS1.2 or TLS1.3 (default: the newest).");

    public static readonly Flag AuthToken = Security("auth-token", "simple", "kind",
        "simple, or jwt,pub-key=…,priv-key=…,sign-method=…,ttl=…; empty: nobody can log in.")
    with
    { MayBeEmpty = true };

    public static readonly Flag AuthTokenTtl = Security(
        "auth-token-ttl", "300", "seconds", "How long a simple token is valid after its last use.");

    public static readonly Flag BcryptCost = Security("bcrypt-cost", "10", "cost", "Cost of hashing passwords, 4 to 31.");

    private static Flag Security(string name, string value, string valueName, string help) =>
        new(name, value, valueName, help) { Group = FlagGroup.Security };
}
