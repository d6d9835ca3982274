using System.Net;
using PgEtcd.Testing;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>Plain HTTP/1.1 requests to one listener, each on a connection of its own.</summary>
internal sealed class HttpProbe(Uri listener) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = Eventually.Patience,
    };

    /// <summary>An answer.</summary>
    public sealed record Answer(int Status, string Text, string? ContentType, string? Allow);

    public Task<Answer> GetAsync(string path) => SendAsync(HttpMethod.Get, path);

    public async Task<Answer> SendAsync(HttpMethod method, string path)
    {
        using HttpRequestMessage request =
            new(method, new Uri(listener, path)) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        using HttpResponseMessage response = await _http.SendAsync(request);
        return new Answer(
            (int)response.StatusCode,
            await response.Content.ReadAsStringAsync(),
            response.Content.Headers.ContentType?.ToString(),
            response.Content.Headers.Allow.SingleOrDefault());
    }

    /// <summary>Sends a request with Accept-Encoding.</summary>
    /// <returns>The encoding of the answer, and the answer as received.</returns>
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

    /// <summary>The metrics once all unary calls that began are counted as ended; a client may get its answer a moment before
    /// that.</summary>
    public async Task<PrometheusPage> SettledMetricsAsync()
    {
        PrometheusPage page = null!;
        await Eventually.TrueAsync(
            async () =>
            {
                page = await MetricsAsync();
                return Unary("grpc_server_started_total") == Unary("grpc_server_handled_total");
            },
            "every unary call has been counted");
        return page;

        double Unary(string name) => page.Samples
            .Where(sample => sample.Key.StartsWith(name + "{", StringComparison.Ordinal))
            .Where(sample => sample.Key.Contains("grpc_type=\"unary\"", StringComparison.Ordinal))
            .Sum(sample => sample.Value);
    }

    public void Dispose() => _http.Dispose();
}
