using System.Globalization;
using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.Logging;
using PgEtcd.Api.Connections;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Connections;

/// <summary>Requests with any authority are answered, as by Go's server (fault C20). Frames are written by hand, to try each form in
/// which HPACK encodes a header.</summary>
public sealed class AuthorityTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly string _socket = Path.Combine(Path.GetTempPath(), $"pgetcd-authority-{Guid.NewGuid():N}");
    private readonly X509Certificate2 _certificate = SelfSigned();
    private WebApplication _app = null!;

    public static TheoryData<string> Authorities =>
    [
        "localhost:2379", "a:2379,b:2379", "http://localhost:2379", "https://localhost:2379/", "http://[::1]:2379", "[::1]:2379",
        "[fe80::1%25eth0]:2379",
        "[::]:1", "/run/sock", "unix:///run/sock", "etcd:///svc/name", "%2Frun%2Fsock", "a b", "a:b:c", ":2379", "a:", "[", "]",
        "user@host:1", "é", "\"",
    ];

    public static TheoryData<string, string> Hosts
    {
        get
        {
            TheoryData<string, string> data = new()
            {
                { "", "" }, { "real.host:80", "real.host:80" }, { "[::1]:2379", "[::1]:2379" }, { "real.host/", "real.host~2F" },
                { "a:2379,b:2379", "a~3A2379~2Cb~3A2379" }, { "a b", "a~20b" }, { "[::]", "~5B~3A~3A~5D" },
            };
            return data;
        }
    }

    public async Task InitializeAsync()
    {
        WebApplicationBuilder builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.UseGrpcLimits();
            kestrel.Listen(IPAddress.Loopback, 0, listen => listen.UseHttp1AndHttp2WithoutTls());
            kestrel.Listen(IPAddress.Loopback, 0, listen =>
            {
                listen.Protocols = HttpProtocols.Http1AndHttp2;
                listen.UseHttps(_certificate);
            });
            kestrel.ListenUnixSocket(_socket, listen => listen.UseHttp1AndHttp2WithoutTls());
        });
        _app = builder.Build();
        _app.MapGet("/host", (HttpContext context) => context.Request.Host.Value);
        await _app.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _app.DisposeAsync();
        _certificate.Dispose();
    }

    [Theory]
    [MemberData(nameof(Authorities))]
    public async Task A_request_is_answered_however_its_authority_is_encoded_and_wherever_it_arrives(string authority)
    {
        byte[][] encodings = [Literal(authority), .. Ascii.IsValid(authority) ? [Huffman(authority)] : Array.Empty<byte[]>()];
        byte[][] names = [[0x41], [0x01], [0x40, 10, .. ":authority"u8], [0x00, 10, .. ":authority"u8]];
        byte[][] requests =
        [
            .. from name in names from encoding in encodings select (byte[])[.. Get, .. name, .. encoding],
            [.. Get, 0xbe], // the latest entry of the table, to which the third name has added the value
        ];
        foreach (Func<Task<Stream>> open in (Func<Task<Stream>>[])[OpenAsync, OpenTlsAsync, OpenSocketAsync])
        {
            await using Stream connection = await open();
            (await AnswersAsync(connection, requests)).ShouldAllBe(answer => answer == Http2Frames.Headers);
        }
    }

    [Fact]
    public async Task Random_printable_authorities_are_answered()
    {
        Random random = new(5);
        byte[][] requests =
        [
            .. Enumerable.Range(0, 300)
                .Select(_ => string.Concat(Enumerable.Range(0, random.Next(0, 60)).Select(_ => (char)random.Next(0x20, 0x7f))))
                .Select(value => (byte[])[.. Get, 0x41, .. random.Next(2) == 0 ? Literal(value) : Huffman(value)]),
        ];
        await using Stream connection = await OpenAsync();
        (await AnswersAsync(connection, requests)).ShouldAllBe(answer => answer == Http2Frames.Headers);
    }

    [Theory]
    [MemberData(nameof(Hosts))]
    public async Task HTTP_1_sees_the_real_host_and_no_other_value_passes_for_it(string sent, string seen)
    {
        await using Stream connection = await OpenAsync();
        await connection.WriteAsync(Encoding.Latin1.GetBytes($"GET /host HTTP/1.1\r\nHost: {sent}\r\nConnection: close\r\n\r\n"));
        using StreamReader reader = new(connection);
        string answer = await reader.ReadToEndAsync().WaitAsync(Patience);
        answer.ShouldStartWith("HTTP/1.1 200");
        answer.ShouldContain(string.Create(CultureInfo.InvariantCulture, $"\r\n{seen}\r\n"));
    }

    /// <summary>GET http /host.</summary>
    private static byte[] Get => [0x82, 0x86, 0x04, 5, .. "/host"u8];

    private static byte[] Literal(string value) => [.. Length(0, value.Length), .. Encoding.Latin1.GetBytes(value)];

    private static byte[] Huffman(string value)
    {
        byte[] encoded = HuffmanCode.Encode(value);
        return [.. Length(0x80, encoded.Length), .. encoded];
    }

    private static byte[] Length(byte flag, int length) =>
        length < 127 ? [(byte)(flag | length)] : [(byte)(flag | 127), (byte)(length - 127)];

    /// <summary>Sends requests on one connection.</summary>
    /// <returns>The types of the frames that begin or reset the answers.</returns>
    private static async Task<List<int>> AnswersAsync(Stream connection, byte[][] requests)
    {
        await connection.WriteAsync((byte[])[.. Http2Frames.Preface, .. Http2Frames.Frame(Http2Frames.Settings, 0, 0, [])]);
        List<int> answers = [];
        byte[] header = new byte[9];
        for (int i = 0; i < requests.Length; i++)
        {
            const byte Flags = Http2Frames.EndStream | Http2Frames.EndHeaders;
            await connection.WriteAsync(Http2Frames.Frame(Http2Frames.Headers, Flags, (2 * i) + 1, requests[i]));
            while (answers.Count <= i)
            {
                await connection.ReadExactlyAsync(header).AsTask().WaitAsync(Patience);
                byte[] payload = new byte[(header[0] << 16) | (header[1] << 8) | header[2]];
                await connection.ReadExactlyAsync(payload).AsTask().WaitAsync(Patience);
                if (header[3] is Http2Frames.Headers or Http2Frames.Reset)
                {
                    answers.Add(header[3]);
                }
            }
        }

        return answers;
    }

    private Task<Stream> OpenAsync() => ConnectAsync(new IPEndPoint(IPAddress.Loopback, PortOf("http://")), ProtocolType.Tcp);

    private Task<Stream> OpenSocketAsync() => ConnectAsync(new UnixDomainSocketEndPoint(_socket), ProtocolType.Unspecified);

    private async Task<Stream> OpenTlsAsync()
    {
        SslStream stream = new(await ConnectAsync(new IPEndPoint(IPAddress.Loopback, PortOf("https://")), ProtocolType.Tcp));
        await stream.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            ApplicationProtocols = [SslApplicationProtocol.Http2],
            RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == _certificate.GetCertHashString(),
        });
        return stream;
    }

    private static async Task<Stream> ConnectAsync(EndPoint address, ProtocolType protocol)
    {
        Socket socket = new(address.AddressFamily, SocketType.Stream, protocol);
        await socket.ConnectAsync(address);
        return new NetworkStream(socket, ownsSocket: true);
    }

    private int PortOf(string scheme) => new Uri(_app.Urls.Single(url =>
        url.StartsWith(scheme, StringComparison.Ordinal) && !url.Contains("unix", StringComparison.Ordinal))).Port;

    private static X509Certificate2 SelfSigned()
    {
        using ECDsa key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using X509Certificate2 certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UtcNow.AddDays(-1), DateTimeOffset.UtcNow.AddDays(1));
        return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pkcs12), null);
    }
}
