using System.Text.Json;
using PgEtcd.Testing.Processes;

namespace PgEtcd.Testing;

internal static class HealthCheck
{
    private static readonly HttpClient Http = new(new SocketsHttpHandler { UseProxy = false, PooledConnectionLifetime = TimeSpan.Zero })
    {
        Timeout = TimeSpan.FromSeconds(2),
    };

    /// <summary>Waits until <c>/health</c> reports a healthy server. A raised alarm does not matter, as the server answers.</summary>
    public static Task WaitAsync(ChildProcess process, Uri clientUrl, TimeSpan limit) =>
        process.WaitUntilAsync(
            async () =>
            {
                using HttpResponseMessage response = await Http
                    .GetAsync(new Uri(clientUrl, "health?exclude=NOSPACE&exclude=CORRUPT")).ConfigureAwait(false);
                if (!response.IsSuccessStatusCode)
                {
                    return false;
                }

                using JsonDocument body = JsonDocument.Parse(await response.Content.ReadAsStringAsync().ConfigureAwait(false));
                return body.RootElement.GetProperty("health").GetString() == "true";
            },
            limit,
            $"{clientUrl}health says that the server is healthy");
}
