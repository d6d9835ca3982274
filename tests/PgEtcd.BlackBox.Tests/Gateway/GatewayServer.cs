using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>A server with an empty store and a plain HTTP client.</summary>
internal sealed class GatewayServer : IAsyncDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private GatewayServer(IEtcdServer server)
    {
        Server = server;
        Http = new HttpClient(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.ClientUrl, Timeout = Limit };
    }

    public IEtcdServer Server { get; }

    public HttpClient Http { get; }

    /// <summary>Host and port.</summary>
    public string Authority => Server.ClientUrl.Authority;

    public static async Task<GatewayServer> StartAsync(PostgresFixture postgres, params string[] moreArguments) =>
        new(await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync(), moreArguments: moreArguments));

    /// <summary>For tests that start and stop the server themselves.</summary>
    public static GatewayServer Of(IEtcdServer server) => new(server);

    public static string Base64(string text) => Convert.ToBase64String(Encoding.UTF8.GetBytes(text));

    /// <summary>Posts a body and returns status and answer.</summary>
    public async Task<(HttpStatusCode Status, JsonObject Answer)> PostAsync(string path, string body)
    {
        using StringContent content = new(body);
        using HttpResponseMessage response = await Http.PostAsync(path, content);
        return (response.StatusCode, Json.Parse(await response.Content.ReadAsStringAsync()));
    }

    /// <summary>Posts a body and expects success.</summary>
    public async Task<JsonObject> DoAsync(string path, string body)
    {
        (HttpStatusCode status, JsonObject answer) = await PostAsync(path, body);
        status.ShouldBe(HttpStatusCode.OK, Json.Write(answer));
        return answer;
    }

    public Task<JsonObject> PutAsync(string key, string value) =>
        DoAsync("/v3/kv/put", $$"""{"key":"{{Base64(key)}}","value":"{{Base64(value)}}"}""");

    /// <summary>Posts a body and reads the answer line by line.</summary>
    public async Task<JsonLines> StreamAsync(string path, string body)
    {
        HttpRequestMessage request = new(HttpMethod.Post, path) { Content = new StringContent(body) };
        HttpResponseMessage response = await Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
        return new JsonLines(response, await response.Content.ReadAsStreamAsync());
    }

    public ValueTask DisposeAsync()
    {
        Http.Dispose();
        return Server.DisposeAsync();
    }
}

/// <summary>An answer of many lines.</summary>
internal sealed class JsonLines(HttpResponseMessage response, Stream stream) : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly StreamReader _reader = new(stream);

    public HttpResponseMessage Response => response;

    /// <summary>The next line; null at the end.</summary>
    public async Task<JsonObject?> NextAsync() =>
        await _reader.ReadLineAsync().WaitAsync(Limit) is { } line ? Json.Parse(line) : null;

    /// <summary>The result in the next line.</summary>
    public async Task<JsonObject> ResultAsync()
    {
        JsonObject line = (await NextAsync()).ShouldNotBeNull();
        return (line["result"] as JsonObject).ShouldNotBeNull(Json.Write(line));
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose()
    {
        _reader.Dispose();
        response.Dispose();
    }
}
