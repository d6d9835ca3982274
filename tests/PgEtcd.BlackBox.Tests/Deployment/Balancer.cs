using PgEtcd.Testing;
using PgEtcd.Testing.Processes;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>Debian's HAProxy with the configuration from docker-compose.yml, in front of three frontends.</summary>
internal sealed class Balancer : IEtcdServer
{
    /// <summary>The address from which HAProxy connects to frontends. Direct connections use another one.</summary>
    public const string Source = "127.0.0.2";

    private const string Program = "/usr/sbin/haproxy";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;

    private Balancer(ChildProcess process, Uri clientUrl)
    {
        _process = process;
        ClientUrl = clientUrl;
    }

    public static string Configuration => Path.Combine(Repository.Root, "deploy", "haproxy", "haproxy.cfg");

    public string Kind => "haproxy";

    public Uri ClientUrl { get; }

    public string Output => _process.Output;

    public static bool IsThere => File.Exists(Program);

    public static void Require() => Tool.Require(Program, "haproxy");

    /// <summary>Starts HAProxy and waits until it forwards requests.</summary>
    public static async Task<Balancer> StartAsync(IReadOnlyList<Uri> frontends)
    {
        Uri clientUrl = new($"http://127.0.0.1:{FreePort.Next()}");
        // -db: run in the foreground.
        Balancer balancer = new(
            ChildProcess.Start("haproxy", Program, ["-db", "-f", Configuration], Environment(clientUrl, frontends)), clientUrl);
        try
        {
            using HttpClient http = new();
            await balancer._process.WaitUntilAsync(
                async () => (await http.GetAsync(new Uri(clientUrl, "health"))).IsSuccessStatusCode, StartLimit,
                "the balancer answers for the frontends");
            return balancer;
        }
        catch
        {
            await balancer.DisposeAsync();
            throw;
        }
    }

    /// <summary>Lets HAProxy check its configuration.</summary>
    public static Task<CommandResult> CheckAsync() => Command.RunAsync(
        Program, ["-c", "-f", Configuration],
        environment: Environment(
            new Uri("http://0.0.0.0:2379"), [.. Enumerable.Range(1, 3).Select(port => new Uri($"http://127.0.0.1:{port}"))]));

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static Dictionary<string, string> Environment(Uri listen, IReadOnlyList<Uri> frontends)
    {
        Dictionary<string, string> environment = new() { ["LISTEN"] = listen.Authority, ["SOURCE"] = Source };
        for (int i = 0; i < frontends.Count; i++)
        {
            environment.Add($"FRONTEND{i + 1}", frontends[i].Authority);
        }

        return environment;
    }
}
