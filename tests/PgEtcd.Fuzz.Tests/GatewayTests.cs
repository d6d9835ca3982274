using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Google.Protobuf.Reflection;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using Shouldly;
using Xunit;

namespace PgEtcd.Fuzz.Tests;

/// <summary>The gateway with JSON that is almost right, or not JSON: always an HTTP status, and JSON.</summary>
public sealed class GatewayTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly string[] Depths =
    [
        .. new[] { "[", "{\"a\":", "{\"request_range\":", "{\"requests\":[{\"request_txn\":{\"success\":[" }
            .Select(open => string.Concat(Enumerable.Repeat(open, 3000))),
    ];

    [Fact]
    public async Task Every_body_is_answered_with_JSON()
    {
        await using FuzzedServer server = await FuzzedServer.StartAsync(postgres);
        using HttpClient http = new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server.Url };
        MethodDescriptor[] methods = [.. FuzzedServer.Methods.Where(GatewayClient.HasPath)];
        methods.Length.ShouldBeGreaterThan(30);
        await server.AttackAsync(1500, async seed =>
        {
            (MethodDescriptor method, byte[] body) = Request(methods, seed);
            using HttpRequestMessage request = new(HttpMethod.Post, GatewayClient.Path(method))
            {
                Content = new ByteArrayContent(body),
            };
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.TryAddWithoutValidation("Grpc-Timeout", "500m");
            using HttpResponseMessage response = await http.SendAsync(request);
            string answer = await response.Content.ReadAsStringAsync();
            if (response.StatusCode == HttpStatusCode.InternalServerError)
            {
                answer.ShouldContain("\"code\":2,", customMessage: method.FullName); // refused without a code of its own, as by etcd
                answer.ShouldNotContain(FuzzedServer.Thrown, customMessage: method.FullName);
            }

            foreach (string line in answer.Split('\n', StringSplitOptions.RemoveEmptyEntries))
            {
                Should.NotThrow(
                    () => JsonDocument.Parse(line, new JsonDocumentOptions { MaxDepth = Json.MaxDepth }).Dispose(),
                    $"{method.FullName}: {answer}");
            }
        }, seed =>
        {
            (MethodDescriptor method, byte[] body) = Request(methods, seed);
            return $"{method.FullName} {Encoding.UTF8.GetString(body.AsSpan(0, Math.Min(body.Length, 2000)))}";
        });
    }

    private static (MethodDescriptor Method, byte[] Body) Request(MethodDescriptor[] methods, int seed)
    {
        Random random = new(seed);
        MethodDescriptor method = methods[random.Next(methods.Length)];
        string json = random.Next(50) == 0
            ? Depths[random.Next(Depths.Length)]
            : RpcCatalogue.ToJson(RandomMessages.Make(random, method.InputType));
        byte[] body = Encoding.UTF8.GetBytes(json);
        return (method, random.Next(4) == 0 ? body : Mutation.Of(random, body));
    }
}
