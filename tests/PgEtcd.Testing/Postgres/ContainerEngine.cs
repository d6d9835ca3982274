using System.Net.Sockets;

namespace PgEtcd.Testing.Postgres;

/// <summary>A container engine with Docker's API: Docker itself, or <c>podman system service</c>.</summary>
internal static class ContainerEngine
{
    /// <summary>Short, as an engine answers a ping in milliseconds and a machine without one must not wait.</summary>
    private static readonly TimeSpan PingLimit = TimeSpan.FromSeconds(2);

    /// <summary>The engine's address: <c>DOCKER_HOST</c>, otherwise the first of the usual sockets; null without an engine.</summary>
    public static async Task<Uri?> FindAsync()
    {
        foreach (Uri endpoint in Candidates())
        {
            if (await AnswersAsync(endpoint).ConfigureAwait(false))
            {
                return endpoint;
            }
        }

        return null;
    }

    private static IEnumerable<Uri> Candidates()
    {
        if (Environment.GetEnvironmentVariable("DOCKER_HOST") is { Length: > 0 } named)
        {
            return [new Uri(named)];
        }

        string? session = Environment.GetEnvironmentVariable("XDG_RUNTIME_DIR");
        string home = Environment.GetFolderPath(Environment.SpecialFolder.UserProfile);
        string[] sockets =
        [
            "/var/run/docker.sock",
            .. session is null ? Array.Empty<string>() : [$"{session}/docker.sock", $"{session}/podman/podman.sock"],
            $"{home}/.docker/run/docker.sock",
            "/run/podman/podman.sock",
        ];
        return sockets.Where(File.Exists).Select(socket => new Uri($"unix://{socket}"));
    }

    private static async Task<bool> AnswersAsync(Uri endpoint)
    {
        using SocketsHttpHandler handler = new() { UseProxy = false };
        if (endpoint.Scheme == "unix")
        {
            handler.ConnectCallback = async (_, token) =>
            {
                Socket socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(endpoint.LocalPath), token).ConfigureAwait(false);
                return new NetworkStream(socket, ownsSocket: true);
            };
        }

        using HttpClient http = new(handler) { Timeout = PingLimit };
        string address = endpoint.Scheme == "unix" ? "http://localhost" : $"http://{endpoint.Authority}";
        try
        {
            return (await http.GetStringAsync(new Uri($"{address}/_ping")).ConfigureAwait(false)).Trim() == "OK";
        }
        catch (Exception e) when (e is HttpRequestException or OperationCanceledException or IOException)
        {
            return false;
        }
    }
}
