using System.IO.Compression;
using System.Text.Json;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>The plain HTTP pages (semantics.md §14). The first lines are those of the transcript of etcd 3.6.</summary>
public sealed class EndpointTests(OneServer one) : IClassFixture<OneServer>, IDisposable
{
    private const string Text = "text/plain; charset=utf-8";

    private readonly HttpProbe _http = new(one.Server.ClientUrl);

    [Fact]
    public async Task Health_is_etcds_json_with_any_exclusion()
    {
        foreach (string query in (string[])
            [
                "", "?serializable=true", "?exclude=NOSPACE", "?exclude=NOSPACE&exclude=CORRUPT", "?exclude=", "?serializable=nonsense",
            ])
        {
            HttpProbe.Answer answer = await _http.GetAsync("/health" + query);
            answer.ShouldBe(new HttpProbe.Answer(200, """{"health":"true","reason":""}""", Text, null), query);
        }
    }

    [Theory]
    [InlineData("/livez", "ok\n")]
    [InlineData("/livez?verbose", "[+]serializable_read ok\nok\n")]
    [InlineData("/livez?verbose=false", "[+]serializable_read ok\nok\n")]
    [InlineData("/livez?verbose&exclude=serializable_read", "ok\n")]
    [InlineData("/livez?exclude=nothing", "ok\n")]
    [InlineData("/livez/serializable_read", "ok\n")]
    [InlineData("/livez/serializable_read?verbose", "[+]serializable_read ok\nok\n")]
    [InlineData("/readyz", "ok\n")]
    [InlineData("/readyz?verbose", "[+]data_corruption ok\n[+]serializable_read ok\n[+]linearizable_read ok\n[+]non_learner ok\nok\n")]
    [InlineData("/readyz?verbose&exclude=linearizable_read&exclude=data_corruption", "[+]serializable_read ok\n[+]non_learner ok\nok\n")]
    [InlineData("/readyz/data_corruption", "ok\n")]
    [InlineData("/readyz/serializable_read", "ok\n")]
    [InlineData("/readyz/linearizable_read?verbose", "[+]linearizable_read ok\nok\n")]
    [InlineData("/readyz/non_learner", "ok\n")]
    public async Task Checks_answer_with_etcds_texts(string path, string text) =>
        (await _http.GetAsync(path)).ShouldBe(new HttpProbe.Answer(200, text, Text, null));

    [Theory]
    [InlineData("POST", "/health")]
    [InlineData("HEAD", "/health")]
    [InlineData("PUT", "/livez")]
    [InlineData("POST", "/livez/serializable_read")]
    [InlineData("HEAD", "/readyz")]
    [InlineData("DELETE", "/readyz/non_learner")]
    [InlineData("POST", "/version")]
    [InlineData("HEAD", "/version")]
    [InlineData("POST", "/debug/vars")]
    public async Task Any_method_but_GET_is_refused(string method, string path) => (await _http.SendAsync(new HttpMethod(method), path))
        .ShouldBe(new HttpProbe.Answer(405, method == "HEAD" ? "" : "Method Not Allowed\n", Text, "GET"));

    [Theory]
    [InlineData("/livez/nothing")]
    [InlineData("/livez/linearizable_read")]
    [InlineData("/health/")]
    [InlineData("/HEALTH")]
    [InlineData("/")]
    [InlineData("/metricsx")]
    [InlineData("/debug/pprof/")]
    [InlineData("/some.file")]
    public async Task Other_paths_are_not_found(string path)
    {
        (await _http.GetAsync(path)).ShouldBe(new HttpProbe.Answer(404, "404 page not found\n", Text, null));
        (await _http.SendAsync(HttpMethod.Post, path)).Status.ShouldBe(404);
    }

    [Theory]
    [InlineData("gzip", true)]
    [InlineData("deflate, GZIP;q=0.5", true)]
    [InlineData("", false)]
    [InlineData("br, identity", false)]
    [InlineData("gzip;q=0", false)]
    [InlineData("nonsense;;,=", false)]
    public async Task Metrics_are_compressed_for_clients_that_accept_it(string accepted, bool isCompressed)
    {
        (string? encoding, byte[] body) = await _http.GetEncodedAsync("/metrics", accepted);
        encoding.ShouldBe(isCompressed ? "gzip" : null);
        using StreamReader text = new(
            isCompressed ? new GZipStream(new MemoryStream(body), CompressionMode.Decompress) : new MemoryStream(body));
        string page = await text.ReadToEndAsync();
        PrometheusPage.Parse(page).Has("etcd_server_has_leader").ShouldBeTrue();
        (body.Length < page.Length / 4).ShouldBe(isCompressed);
    }

    [Fact]
    public async Task Metrics_answer_HEAD_without_a_body() =>
        (await _http.SendAsync(HttpMethod.Head, "/metrics")).ShouldBe(
            new HttpProbe.Answer(200, "", "text/plain; version=0.0.4; charset=utf-8", null));

    [Fact]
    public async Task Version_consists_of_whole_numbers()
    {
        HttpProbe.Answer answer = await _http.GetAsync("/version");
        answer.ContentType.ShouldBe("application/json");
        using JsonDocument version = JsonDocument.Parse(answer.Text);
        version.RootElement.EnumerateObject().Select(field => field.Name).ShouldBe(["etcdserver", "etcdcluster", "storage"]);
        foreach (JsonProperty field in version.RootElement.EnumerateObject())
        {
            // Patroni converts each part.
            field.Value.GetString()!.Split('.').Select(int.Parse).Count().ShouldBe(3);
        }
    }

    [Fact]
    public async Task Variables_describe_the_store_without_secrets()
    {
        await using Kv kv = new(one.Server);
        long revision = await kv.PutAsync("a", "1");
        HttpProbe.Answer answer = await _http.GetAsync("/debug/vars");
        answer.ContentType.ShouldBe("application/json; charset=utf-8");
        answer.Text.ShouldNotContain("Host=");
        using JsonDocument variables = JsonDocument.Parse(answer.Text);
        variables.RootElement.GetProperty("pgetcd").GetProperty("revision").GetInt64().ShouldBe(revision);
        variables.RootElement.GetProperty("memstats").GetProperty("Alloc").GetInt64().ShouldBeGreaterThan(0);
        variables.RootElement.GetProperty("file_descriptor_limit").GetInt64().ShouldBeGreaterThan(0);
    }

    public void Dispose() => _http.Dispose();
}
