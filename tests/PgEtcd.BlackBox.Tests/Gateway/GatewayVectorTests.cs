using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Rpc;
using PgEtcd.Testing.Vectors;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Gateway;

/// <summary>The transcript of etcd's gateway, and transcripts of other services replayed in JSON over HTTP.</summary>
public sealed class GatewayVectorTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    /// <summary>Some transcripts of each kind: VectorTests replays all of them; this test is about the JSON.</summary>
    public static TheoryData<string> OtherFiles => ["kv-script", "kv-1", "txn-script", "txn-1", "lease-1"];

    [Fact]
    public async Task Every_line_of_the_transcript_is_reproduced()
    {
        await using GatewayServer server = await GatewayServer.StartAsync(postgres);
        List<string> wrong = [];
        foreach (VectorLine line in VectorFile.Read("gateway").Lines)
        {
            string? difference = await DifferenceAsync(server, line);
            if (difference is not null)
            {
                wrong.Add($"{line.Number}: {line.Text("http")} {line.Text("path")} {line.Text("body")}: {difference}");
            }
        }

        wrong.ShouldBeEmpty();
    }

    [Theory]
    [MemberData(nameof(OtherFiles))]
    public async Task Every_line_of_other_transcripts_is_reproduced_in_JSON(string file)
    {
        await using GatewayServer server = await GatewayServer.StartAsync(postgres);
        await VectorRunner.RunAsync(VectorFile.Read(file), server.Server.ClientUrl, throughGateway: true);
    }

    private static async Task<string?> DifferenceAsync(GatewayServer server, VectorLine line)
    {
        using HttpRequestMessage request = new(new HttpMethod(line.Text("http")!), line.Text("path"));
        if (line.Text("body") is { } body)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }

        foreach ((string name, JsonNode? value) in line.Json["headers"] as JsonObject ?? [])
        {
            if (name == "Content-Type")
            {
                request.Content!.Headers.ContentType = new MediaTypeHeaderValue((string)value!);
            }
            else
            {
                request.Headers.TryAddWithoutValidation(name, (string?)value).ShouldBeTrue();
            }
        }

        using HttpResponseMessage response = await server.Http.SendAsync(request);
        string text = await response.Content.ReadAsStringAsync();
        if ((int)response.StatusCode != (int)line.Json["status"]!)
        {
            return $"status {(int)response.StatusCode}: {text}";
        }

        if (line.Text("text") is { } expectedText)
        {
            return text == expectedText ? null : $"the text is \"{text}\"";
        }

        return line.Json["json"] is JsonObject expected ? Difference(expected, text) : null;
    }

    private static string? Difference(JsonObject expected, string text)
    {
        JsonObject actual;
        try
        {
            actual = Json.Parse(text);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return $"no JSON: {text}";
        }

        Normalisation.StripHeaders(expected);
        Normalisation.StripHeaders(actual);
        if (actual["error"] is JsonValue error && JsonNode.DeepEquals(error, actual["message"]))
        {
            actual.Remove("error");
        }

        foreach ((string name, JsonNode? value) in expected.ToList())
        {
            if ((value as JsonValue)?.TryGetValue(out string? anything) == true && anything == "*"
                && (string?)actual[name] is { Length: > 0 } given)
            {
                expected[name] = given;
            }
        }

        return JsonDifference.First(expected, actual);
    }
}
