using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using PgEtcd.Testing;

namespace PgEtcd.Console.Tests.Browser;

/// <summary>A balancer that sends each request to the next frontend, while a real one keeps those of a connection together.</summary>
internal sealed class RoundRobin : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly HttpClient _http = new(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false });
    private readonly Uri[] _frontends;
    private readonly int[] _served;
    private int _next = -1;

    private RoundRobin(Uri url, Uri[] frontends)
    {
        Url = url;
        _frontends = frontends;
        _served = new int[frontends.Length];
        WebApplicationBuilder builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseUrls(url.ToString());
        _app = builder.Build();
        _app.Run(ForwardAsync);
    }

    public Uri Url { get; }

    /// <summary>The number of requests per frontend.</summary>
    public IReadOnlyList<int> Served => _served;

    public static async Task<RoundRobin> StartAsync(Uri[] frontends)
    {
        RoundRobin balancer = new(new Uri($"http://127.0.0.1:{FreePort.Next()}"), frontends);
        await balancer._app.StartAsync();
        return balancer;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.DisposeAsync();
        _http.Dispose();
    }

    private async Task ForwardAsync(HttpContext context)
    {
        int turn = (int)((uint)Interlocked.Increment(ref _next) % _frontends.Length);
        Interlocked.Increment(ref _served[turn]);
        HttpRequest request = context.Request;
        using HttpRequestMessage message = new(
            new HttpMethod(request.Method), new Uri(_frontends[turn], request.Path + request.QueryString));
        if (HttpMethods.IsPost(request.Method))
        {
            message.Content = new StreamContent(request.Body);
        }

        foreach ((string name, Microsoft.Extensions.Primitives.StringValues values) in request.Headers)
        {
            if (!message.Headers.TryAddWithoutValidation(name, values.ToArray()))
            {
                message.Content?.Headers.TryAddWithoutValidation(name, values.ToArray());
            }
        }

        using HttpResponseMessage answer = await _http.SendAsync(message, HttpCompletionOption.ResponseHeadersRead, context.RequestAborted);
        context.Response.StatusCode = (int)answer.StatusCode;
        foreach ((string name, IEnumerable<string> values) in answer.Headers.Concat(answer.Content.Headers))
        {
            context.Response.Headers[name] = values.ToArray();
        }

        context.Response.Headers.Remove("Transfer-Encoding");
        await answer.Content.CopyToAsync(context.Response.Body);
    }
}
