using PgEtcd.Mvcc;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Store;

namespace PgEtcd.Server.Http;

/// <summary>What is served over plain HTTP beside gRPC (semantics.md §14): so far /health and /version.</summary>
internal static class HttpEndpoints
{
    private const string Version =
        $$"""{"etcdserver":"{{ReleaseInfo.EtcdVersion}}","etcdcluster":"3.6.0","storage":"3.6.0"}""";

    /// <summary>Maps them.</summary>
    public static void MapHttp(this IEndpointRouteBuilder endpoints, KeyValueStore store)
    {
        endpoints.MapGet("/version", () => Results.Text(Version, "application/json"));
        endpoints.MapGet("/health", async (HttpContext context) => await HealthAsync(context, store));
    }

    private static async Task HealthAsync(HttpContext context, KeyValueStore store)
    {
        string? failure = await FailureAsync(store, serializable: context.Request.Query["serializable"] == "true");
        context.Response.StatusCode = failure is null ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable;
        context.Response.ContentType = "application/json";
        await context.Response.WriteAsync(failure is null
            ? """{"health":"true","reason":""}"""
            : $$"""{"health":"false","reason":"RANGE ERROR:{{failure}}"}""" + "\n");
    }

    private static async Task<string?> FailureAsync(KeyValueStore store, bool serializable)
    {
        RangeOperation probe = new() { Key = "health"u8.ToArray(), Limit = 1, Serializable = serializable };
        try
        {
            await store.RangeAsync(probe);
            return null;
        }
        catch (StoreUnavailableException)
        {
            return Protocol.EtcdErrors.Timeout.Message;
        }
    }
}
