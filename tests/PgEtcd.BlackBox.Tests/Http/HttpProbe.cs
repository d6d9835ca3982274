using System.Net;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>Plain HTTP/1.1 requests to one listener, each on a connection of its own.</summary>
internal sealed class HttpProbe(Uri listener) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = TimeSpan.FromSeconds(20),
    };

    /// <summary>An answer.</summary>
    public sealed record Answer(int Status, string Text, string? ContentType, string? Allow);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public async Task<Answer> SendAsync(HttpMethod method, string path)
    {
        using HttpRequestMessage request = new(method, new Uri(listener, path)) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await _http.SendAsync(request);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.ToString(),
            response.Content.Headers.Allow.SingleOrDefault());
    }

    /// <summary>Asks with an Accept-Encoding.</summary>
    /// <returns>The encoding of the answer, and the answer as it came.</returns>
    public async Task<(string? Encoding, byte[] Body)> GetEncodedAsync(string path, string accepted)
    {
        using HttpRequestMessage request = new(HttpMethod.Get, new Uri(listener, path));
        request.Headers.TryAddWithoutValidation("Accept-Encoding", accepted);
        using HttpResponseMessage response = await _http.SendAsync(request);
        byte[] body = await response.Content.ReadAsByteArrayAsync();
        response.Content.Headers.ContentLength.ShouldBe(body.Length);
        return (response.Content.Headers.ContentEncoding.SingleOrDefault(), body);
    }

    public async Task<PrometheusPage> MetricsAsync() => PrometheusPage.Parse((await GetAsync("/metrics")).Text);

    public void Dispose() => _http.Dispose();
}
