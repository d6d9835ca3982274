using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Tls;

/// <summary>TLS on the listeners of a server: the options of each handshake, and the log of those that fail.</summary>
internal sealed class ServerTls
{
    private static readonly object Key = typeof(ServerTls);

    /// <summary>Time limit of a handshake. A slow one delays no other.</summary>
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    private readonly TlsOptions _options;
    private readonly ILogger _logger;
    private readonly WatchedFiles<SslStreamCertificateContext> _certificate;
    private readonly ClientTrust? _clients;
    private readonly CipherSuitesPolicy? _suites;

    private ServerTls(TlsOptions options, string certFile, string keyFile, ILogger logger)
    {
        _options = options;
        _logger = logger;
        _certificate = new([certFile, keyFile], () => CertificateFiles.ReadServer(certFile, keyFile), Changed(Flags.CertFile));
        if (options.ClientCertRequired)
        {
            WatchedFiles<X509Certificate2Collection>? authorities = options.TrustedCaFile.Length == 0 ? null
                : new([options.TrustedCaFile], () => CertificateFiles.ReadAuthorities(options.TrustedCaFile), Changed(Flags.TrustedCaFile));
            WatchedFiles<RevocationList>? revoked = options.ClientCrlFile.Length == 0 ? null
                : new([options.ClientCrlFile], () => RevocationList.Read(options.ClientCrlFile), Changed(Flags.ClientCrlFile));
            _clients = new ClientTrust(authorities, revoked, options.AllowedHostnames);
        }

        _suites = options.CipherSuites.Count == 0 ? null : new CipherSuitesPolicy(options.CipherSuites);
    }

    /// <summary>Reads the files. Null if no URL uses TLS.</summary>
    /// <exception cref="TlsException">A file cannot be used.</exception>
    public static ServerTls? Load(ServerOptions server, ILogger logger)
    {
        if (server.Tls is not { } options)
        {
            return null;
        }

        (string certFile, string keyFile) = options.SelfSigned
            ? SelfSignedCertificate.Prepare(
                server.DataDir, options.SelfSignedYears,
                [.. server.ListenClientUrls, .. server.ListenClientHttpUrls, .. server.ListenMetricsUrls])
            : (options.CertFile, options.KeyFile);
        return new ServerTls(options, certFile, keyFile, logger);
    }

    /// <summary>Serves a listener with TLS.</summary>
    public void Use(ListenOptions listen)
    {
        listen.Use(next => connection => ReportAsync(next, connection));
        listen.UseHttps(new TlsHandshakeCallbackOptions { OnConnection = BeginAsync, HandshakeTimeout = HandshakeLimit });
        listen.Use(next => connection =>
        {
            Of(connection).IsDone = true;
            return next(connection);
        });
    }

    private static Handshake Of(BaseConnectionContext connection) => (Handshake)connection.Items[Key]!;

    private async Task ReportAsync(ConnectionDelegate next, ConnectionContext connection)
    {
        Handshake handshake = HandshakeErrors.Begin();
        connection.Items[Key] = handshake;
        await next(connection);
        if (handshake.IsDone)
        {
            return;
        }

        if ((handshake.Refusal ?? handshake.Said) is { } error)
        {
            Log.RejectedConnection(_logger, connection.RemoteEndPoint?.ToString(), error);
        }
        else
        {
            Log.BrokenHandshake(_logger, connection.RemoteEndPoint?.ToString()); // mostly a balancer's check whether the port is open
        }
    }

    private ValueTask<SslServerAuthenticationOptions> BeginAsync(TlsHandshakeCallbackContext context)
    {
        Handshake handshake = Of(context.Connection);
        SslServerAuthenticationOptions options = new()
        {
            ServerCertificateContext = _certificate.Current,
            EnabledSslProtocols = _options.Protocols,
            CipherSuitesPolicy = _suites,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck, // the file alone counts
        };
        if (_clients is { } clients)
        {
            options.ClientCertificateRequired = true;
            options.CertificateChainPolicy = clients.Policy();
            options.AllowTlsResume = false; // each connection is judged by the current files
            options.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                (handshake.Refusal = clients.Refusal(certificate, chain, errors)) is null;
        }

        return ValueTask.FromResult(options);
    }

    private Action<TlsException?> Changed(Flag flag) => failure =>
    {
        if (failure is null)
        {
            Log.TlsFileRead(_logger, flag.Name);
        }
        else
        {
            Log.TlsFileBroken(_logger, flag.Name, failure.Message);
        }
    };
}
