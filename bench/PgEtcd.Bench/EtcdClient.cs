using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;

namespace PgEtcd.Bench;

/// <summary>Calls a server one request at a time and checks what h2load does not: status and content.</summary>
public sealed class EtcdClient(int port) : IDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = new Uri($"http://127.0.0.1:{port}/"), Timeout = TimeSpan.FromMinutes(10) };

    /// <summary>One unary call.</summary>
    /// <param name="method">Service and method, as in KV/Put.</param>
    /// <param name="request">The encoded request, without the gRPC prefix.</param>
    /// <exception cref="BenchException">The status is not 0.</exception>
    public async Task<byte[]> Call(string method, byte[] request)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, $"etcdserverpb.{method}")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Frame(request)),
        };
        message.Content.Headers.ContentType = new MediaTypeHeaderValue("application/grpc");
        message.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        using HttpResponseMessage response = await _http.SendAsync(message).ConfigureAwait(false);
        byte[] body = await response.Content.ReadAsByteArrayAsync().ConfigureAwait(false);
        string status = Header(response, "grpc-status");
        if (response.StatusCode != HttpStatusCode.OK || status != "0" || body.Length < 5)
        {
            throw new BenchException(
                $"{method} answered HTTP {(int)response.StatusCode}, grpc-status {status}: {Header(response, "grpc-message")}");
        }

        return body[5..];
    }

    /// <summary>The revision in a response header.</summary>
    public async Task<long> Revision()
    {
        byte[] response = await Call("KV/Range", new Message().Bytes(1, "revision?"u8).ToArray()).ConfigureAwait(false);
        return HeaderRevision(response);
    }

    /// <summary>The number of keys under a prefix that ends in a slash.</summary>
    public async Task<long> Count(string prefix)
    {
        byte[] response = await Call("KV/Range", Requests.Count(prefix).ToArray()).ConfigureAwait(false);
        return Message.Read(response).FirstOrDefault(field => field.Field == 4).Number;
    }

    /// <summary>Whether /health reports a healthy server; false also if nothing listens yet.</summary>
    public async Task<bool> IsHealthy()
    {
        try
        {
            using HttpResponseMessage response = await _http.GetAsync("health").ConfigureAwait(false);
            string text = await response.Content.ReadAsStringAsync().ConfigureAwait(false);
            return response.IsSuccessStatusCode && text.Contains("true", StringComparison.Ordinal);
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public static long HeaderRevision(byte[] response)
    {
        ReadOnlyMemory<byte> header = Message.Read(response).First(field => field.Field == 1).Bytes;
        return Message.Read(header).First(field => field.Field == 3).Number;
    }

    /// <summary>Adds gRPC's prefix: a flag for compression and the length.</summary>
    public static byte[] Frame(byte[] message)
    {
        byte[] frame = new byte[5 + message.Length];
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(1), message.Length);
        message.CopyTo(frame, 5);
        return frame;
    }

    public void Dispose() => _http.Dispose();

    private static string Header(HttpResponseMessage response, string name) =>
        response.TrailingHeaders.TryGetValues(name, out IEnumerable<string>? trailers) ? string.Join(",", trailers)
        : response.Headers.TryGetValues(name, out IEnumerable<string>? headers) ? string.Join(",", headers)
        : "";
}
