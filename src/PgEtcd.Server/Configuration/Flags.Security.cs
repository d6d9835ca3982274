namespace PgEtcd.Server.Configuration;

/// <content>TLS, users and roles.</content>
internal static partial class Flags
{
    public static readonly Flag CertFile = new(
        FlagGroup.Security, "cert-file", "", "path", "Server certificate, followed by intermediate certificates, PEM.");

    public static readonly Flag KeyFile = new(FlagGroup.Security, "key-file", "", "path", "Private key of the server certificate, PEM.");

    public static readonly Flag TrustedCaFile = new(FlagGroup.Security, "trusted-ca-file", "", "path",
        "Authorities that sign client certificates, PEM. Clients must then present a certificate, as with --client-cert-auth.");

    public static readonly Flag ClientCertAuth = new(FlagGroup.Security, "client-cert-auth", "false", "",
        "Require and check client certificates; their common names are users when authentication is on.");

    public static readonly Flag ClientCrlFile = new(
        FlagGroup.Security, "client-crl-file", "", "path", "Revoked client certificates: a CRL, PEM or DER.");

    public static readonly Flag ClientCertAllowedHostname = new(FlagGroup.Security, "client-cert-allowed-hostname", "", "names",
        "Comma-separated host names or IP addresses; a client certificate must have one of them.");

    public static readonly Flag AutoTls = new(FlagGroup.Security, "auto-tls", "false", "",
        "Serve https:// with a self-signed certificate, kept under --data-dir, if there is no --cert-file.");

    public static readonly Flag SelfSignedCertValidity = new(
        FlagGroup.Security, "self-signed-cert-validity", "1", "years", "Years that the certificate of --auto-tls is valid.");

    public static readonly Flag CipherSuites = new(FlagGroup.Security, "cipher-suites", "", "names",
        "Comma-separated TLS 1.2 cipher suites to offer, by Go's names (default: the system's choice).");

    public static readonly Flag TlsMinVersion = new(FlagGroup.Security, "tls-min-version", "TLS1.2", "version", "TLS1.2 or TLS1.3.");

    public static readonly Flag TlsMaxVersion = new(
        FlagGroup.Security, "tls-max-version", "", "version", "TLS1.2 or TLS1.3 (default: the newest).");

    public static readonly Flag AuthToken = new(FlagGroup.Security, "auth-token", "simple", "kind",
        "simple, or jwt,pub-key=…,priv-key=…,sign-method=…,ttl=…; empty: nobody can log in.", MayBeEmpty: true);

    public static readonly Flag AuthTokenTtl = new(
        FlagGroup.Security, "auth-token-ttl", "300", "seconds", "How long a simple token is valid after its last use.");

    public static readonly Flag BcryptCost = new(FlagGroup.Security, "bcrypt-cost", "10", "cost", "Cost of hashing passwords, 4 to 31.");
}
