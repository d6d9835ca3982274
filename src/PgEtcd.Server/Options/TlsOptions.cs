using System.Net.Security;
using System.Security.Authentication;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;

namespace PgEtcd.Server.Options;

/// <summary>Options of TLS for clients. They name files; <see cref="Tls.ServerTls"/> reads them.</summary>
/// <param name="CertFile">--cert-file; empty with <paramref name="SelfSigned"/>.</param>
/// <param name="KeyFile">--key-file; empty with <paramref name="SelfSigned"/>.</param>
/// <param name="SelfSigned">--auto-tls, and no certificate is given.</param>
/// <param name="SelfSignedYears">Years that a certificate of --auto-tls is valid.</param>
/// <param name="TrustedCaFile">--trusted-ca-file; empty: the system's authorities.</param>
/// <param name="ClientCertRequired">A client must show a certificate: --client-cert-auth or, as in etcd, --trusted-ca-file alone.</param>
/// <param name="ClientCrlFile">--client-crl-file; empty: none.</param>
/// <param name="AllowedHostnames">--client-cert-allowed-hostname; none: any.</param>
/// <param name="Protocols">--tls-min-version to --tls-max-version.</param>
/// <param name="CipherSuites">--cipher-suites, and those of TLS 1.3; none: the system's choice.</param>
public sealed record TlsOptions(
    string CertFile, string KeyFile, bool SelfSigned, int SelfSignedYears, string TrustedCaFile, bool ClientCertRequired,
    string ClientCrlFile, IReadOnlyList<string> AllowedHostnames, SslProtocols Protocols, IReadOnlyList<TlsCipherSuite> CipherSuites)
{
    private const int MostYears = 1000;

    /// <param name="values">The flags.</param>
    /// <param name="urls">Every URL that the server listens on.</param>
    /// <returns>Null when none of the URLs is served with TLS.</returns>
    /// <exception cref="FlagException">A value is wrong, or what TLS needs is missing.</exception>
    internal static TlsOptions? From(FlagValues values, IReadOnlyList<ListenUrl> urls)
    {
        TlsOptions options = new(
            CertFile: values.Text(Flags.CertFile),
            KeyFile: values.Text(Flags.KeyFile),
            SelfSigned: values.Switch(Flags.AutoTls) && values.Text(Flags.CertFile).Length == 0,
            SelfSignedYears: values.Number(Flags.SelfSignedCertValidity, 1, MostYears),
            TrustedCaFile: values.Text(Flags.TrustedCaFile),
            ClientCertRequired: values.Switch(Flags.ClientCertAuth) || values.Text(Flags.TrustedCaFile).Length > 0,
            ClientCrlFile: values.Text(Flags.ClientCrlFile),
            AllowedHostnames: values.List(Flags.ClientCertAllowedHostname),
            Protocols: Versions(values),
            CipherSuites: Suites(values));
        if (options.CertFile.Length > 0 != options.KeyFile.Length > 0)
        {
            (Flag given, Flag missing) = options.CertFile.Length > 0 ? (Flags.CertFile, Flags.KeyFile) : (Flags.KeyFile, Flags.CertFile);
            throw new FlagException($"{values.Label(given)} needs --{missing.Name} too.");
        }

        if (urls.FirstOrDefault(url => url.IsTls) is not { } secure)
        {
            return null;
        }

        return options.CertFile.Length > 0 || options.SelfSigned
            ? options
            : throw new FlagException(
                $"--{Flags.CertFile.Name} and --{Flags.KeyFile.Name} are needed to listen on {secure} (or --{Flags.AutoTls.Name}).");
    }

    /// <summary>Warnings about options that have no effect, like those of etcd.</summary>
    internal static IEnumerable<string> Warnings(FlagValues values, IReadOnlyList<ListenUrl> clientUrls, TlsOptions? options)
    {
        Flag[] files = [Flags.CertFile, Flags.KeyFile, Flags.TrustedCaFile, Flags.ClientCrlFile, Flags.ClientCertAllowedHostname];
        Flag[] switches = [Flags.ClientCertAuth, Flags.AutoTls];
        string[] asked = [.. files.Where(flag => values.Text(flag).Length > 0).Concat(switches.Where(values.Switch)).Select(values.Label)];
        ListenUrl[] plain = [.. clientUrls.Where(url => !url.IsTls)];
        if (asked.Length > 0 && plain.Length > 0)
        {
            yield return $"Served without TLS despite {string.Join(", ", asked)}: "
                + $"{string.Join(", ", plain.Select(url => url.ToString()))}.";
        }

        if (options is { CertFile.Length: > 0 } && values.Switch(Flags.AutoTls))
        {
            yield return $"{values.Label(Flags.AutoTls)} has no effect with {values.Label(Flags.CertFile)}.";
        }

        if (options is { ClientCertRequired: true, TrustedCaFile.Length: 0 })
        {
            yield return $"Without --{Flags.TrustedCaFile.Name}, {values.Label(Flags.ClientCertAuth)} accepts every certificate "
                + "signed by an authority of this system.";
        }

        if (options is { ClientCertRequired: false } && (options.ClientCrlFile.Length > 0 || options.AllowedHostnames.Count > 0))
        {
            yield return $"Clients are not asked for certificates without --{Flags.ClientCertAuth.Name} or --{Flags.TrustedCaFile.Name}: "
                + $"--{Flags.ClientCrlFile.Name} and --{Flags.ClientCertAllowedHostname.Name} are without effect.";
        }
    }

    private static SslProtocols Versions(FlagValues values)
    {
        SslProtocols least = Version(values, Flags.TlsMinVersion, SslProtocols.Tls12);
        SslProtocols most = Version(values, Flags.TlsMaxVersion, SslProtocols.Tls13);
        return least <= most
            ? least | most
            : throw new FlagException(
                $"{values.Label(Flags.TlsMinVersion)} TLS1.3 is greater than {values.Label(Flags.TlsMaxVersion)} TLS1.2.");
    }

    private static SslProtocols Version(FlagValues values, Flag flag, SslProtocols otherwise) => values.Text(flag) switch
    {
        "" => otherwise,
        "TLS1.2" => SslProtocols.Tls12,
        "TLS1.3" => SslProtocols.Tls13,
        _ => throw values.Wrong(flag, "TLS1.2 or TLS1.3"),
    };

    private static IReadOnlyList<TlsCipherSuite> Suites(FlagValues values)
    {
        string[] names = values.List(Flags.CipherSuites);
        if (names.Length == 0)
        {
            return [];
        }

        if (values.Text(Flags.TlsMinVersion) == "TLS1.3")
        {
            throw new FlagException(
                $"{values.Label(Flags.CipherSuites)} cannot be given when {values.Label(Flags.TlsMinVersion)} is TLS1.3, "
                + "whose suites are fixed.");
        }

        return [.. names.Select(name => KnownCipherSuites.Find(name) ?? throw new FlagException(
            $"{values.Label(Flags.CipherSuites)} has \"{FlagValues.Shown(name)}\", which is not one of etcd's cipher suites"
            + (Spelling.Nearest(name, KnownCipherSuites.Names) is { } near ? $": did you mean {near}?" : "."))),
            .. KnownCipherSuites.OfTls13];
    }
}
