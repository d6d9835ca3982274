using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Google.Api;
using Google.Protobuf.Reflection;
using Grpc.Core;

namespace PgEtcd.Testing.Rpc;

/// <summary>Calls RPCs through a server's JSON gateway: the body is the request unchanged, and the answer is returned unchanged.</summary>
public sealed class GatewayClient(Uri server) : IRpcClient, IDisposable
{
    private readonly HttpClient _http =
        new(new SocketsHttpHandler { UseProxy = false }) { BaseAddress = server, Timeout = TimeSpan.FromSeconds(60) };

    /// <summary>The path of an rpc: <c>/v3/kv/put</c>.</summary>
    public static string Path(MethodDescriptor method) =>
        Route(method) ?? throw new NotSupportedException($"{method.FullName} has no route.");

    /// <summary>Whether an rpc has a path.</summary>
    public static bool HasPath(MethodDescriptor method) => Route(method) is { Length: > 0 };

    /// <inheritdoc/>
    public async Task<RpcAnswer> CallAsync(string rpc, string request, Metadata? headers = null)
    {
        using HttpRequestMessage message = new(HttpMethod.Post, Path(RpcCatalogue.Find(rpc)))
        {
            Content = new StringContent(request, new MediaTypeHeaderValue("application/json")),
        };
        if (headers?.GetValue("token") is { } token)
        {
            message.Headers.TryAddWithoutValidation("Authorization", token);
        }

        using HttpResponseMessage response = await _http.SendAsync(message).ConfigureAwait(false);
        JsonObject answer = Json.Parse(await response.Content.ReadAsStringAsync().ConfigureAwait(false));
        JsonObject? error = response.IsSuccessStatusCode ? answer["error"] as JsonObject : answer;
        if (error is not null)
        {
            return new RpcAnswer(null, new Status((StatusCode)(int)error["code"]!, (string)error["message"]!), null);
        }

        JsonObject result = RpcCatalogue.Find(rpc).IsServerStreaming ? answer["result"]!.AsObject() : answer;
        return new RpcAnswer(Normalisation.Apply(rpc, result.DeepClone().AsObject()), null, Json.Write(result));
    }

    /// <summary>Closes its connections.</summary>
    public void Dispose() => _http.Dispose();

    private static string? Route(MethodDescriptor method) => method.GetOptions()?.GetExtension(AnnotationsExtensions.Http)?.Post;
}
