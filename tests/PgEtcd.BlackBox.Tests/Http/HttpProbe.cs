using System.Net;

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

    public async Task<PrometheusPage> MetricsAsync() => PrometheusPage.Parse((await GetAsync("/metrics")).Text);

    public void Dispose() => _http.Dispose();
}
