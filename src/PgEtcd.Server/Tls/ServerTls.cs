using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;

namespace PgEtcd.Server.Tls;

/// <summary>TLS on the listeners of a server: the options of each handshake, and the log of those that fail.</summary>
internal sealed class ServerTls(TlsOptions options, string certFile, string keyFile, ILogger logger)
{
    private static readonly object Key = typeof(ServerTls);

    /// <summary>Time limit of a handshake. A slow one delays no other.</summary>
    private static readonly TimeSpan HandshakeLimit = TimeSpan.FromSeconds(10);

    private readonly WatchedFiles<SslStreamCertificateContext> _certificate =
        new([certFile, keyFile], () => CertificateFiles.ReadServer(certFile, keyFile), Changed(Flags.CertFile, logger));

    private readonly ClientTrust? _clients = options.ClientCertRequired ? Trust(options, logger) : null;
    private readonly CipherSuitesPolicy? _suites = options.CipherSuites.Count == 0 ? null : new CipherSuitesPolicy(options.CipherSuites);

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

    private static ClientTrust Trust(TlsOptions options, ILogger logger) => new(
        options.TrustedCaFile is { Length: > 0 } authorities
            ? new([authorities], () => CertificateFiles.ReadAuthorities(authorities), Changed(Flags.TrustedCaFile, logger))
            : null,
        options.ClientCrlFile is { Length: > 0 } list
            ? new([list], () => RevocationList.Read(list), Changed(Flags.ClientCrlFile, logger))
            : null,
        options.AllowedHostnames);

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
            Log.RejectedConnection(logger, connection.RemoteEndPoint?.ToString(), error);
        }
        else
        {
            Log.BrokenHandshake(logger, connection.RemoteEndPoint?.ToString()); // mostly a balancer's check whether the port is open
        }
    }

    private ValueTask<SslServerAuthenticationOptions> BeginAsync(TlsHandshakeCallbackContext context)
    {
        Handshake handshake = Of(context.Connection);
        SslServerAuthenticationOptions authentication = new()
        {
            ServerCertificateContext = _certificate.Current,
            EnabledSslProtocols = options.Protocols,
            CipherSuitesPolicy = _suites,
            CertificateRevocationCheckMode = X509RevocationMode.NoCheck, // the file alone counts
        };
        if (_clients is { } clients)
        {
            authentication.ClientCertificateRequired = true;
            authentication.CertificateChainPolicy = clients.Policy();
            authentication.AllowTlsResume = false; // each connection is judged by the current files
            authentication.RemoteCertificateValidationCallback = (_, certificate, chain, errors) =>
                (handshake.Refusal = clients.Refusal(certificate, chain, errors)) is null;
        }

        return ValueTask.FromResult(authentication);
    }

    private static Action<TlsException?> Changed(Flag flag, ILogger logger) => failure =>
    {
        if (failure is null)
        {
            Log.TlsFileRead(logger, flag.Name);
        }
        else
        {
            Log.TlsFileBroken(logger, flag.Name, failure.Message);
        }
    };
}
