using System.Text.Json.Nodes;
using PgEtcd.Server.Addresses;
using PgEtcd.Server.Configuration;
using PgEtcd.Server.Options;
using Shouldly;
using Xunit;

namespace PgEtcd.Server.Tests.Deployment;

/// <summary>deploy/kubernetes, as far as it can be checked without a cluster: its parts refer to each other correctly.</summary>
public sealed class KubernetesTests
{
    private const string Manifest = "deploy/kubernetes/pgetcd.yaml";

    private readonly IReadOnlyList<JsonObject> _objects = YamlFile.Read(Manifest);

    private JsonNode Container => Object("Deployment")["spec"]!["template"]!["spec"]!["containers"]![0]!;

    [Fact]
    public void The_objects_are_complete_and_in_versions_that_Kubernetes_serves()
    {
        _objects.Select(one => $"{one["apiVersion"]} {one["kind"]}").ShouldBe(
            ["v1 Namespace", "v1 Secret", "apps/v1 Deployment", "v1 Service", "policy/v1 PodDisruptionBudget"]);
        foreach (JsonObject one in _objects.Skip(1))
        {
            one["metadata"]!["namespace"]!.ToString().ShouldBe(Object("Namespace")["metadata"]!["name"]!.ToString());
            one["metadata"]!["name"].ShouldNotBeNull();
        }
    }

    [Fact]
    public void Every_selector_selects_the_pods()
    {
        JsonNode labels = Object("Deployment")["spec"]!["template"]!["metadata"]!["labels"]!;
        JsonNode?[] selectors =
        [
            Object("Deployment")["spec"]!["selector"]!["matchLabels"],
            Object("Service")["spec"]!["selector"],
            Object("PodDisruptionBudget")["spec"]!["selector"]!["matchLabels"],
            Object("Deployment")["spec"]!["template"]!["spec"]!["topologySpreadConstraints"]![0]!["labelSelector"]!["matchLabels"],
        ];
        foreach (JsonNode? selector in selectors)
        {
            selector.Names().ShouldNotBeEmpty();
            foreach (string name in selector.Names())
            {
                selector![name]!.ToString().ShouldBe(labels[name]?.ToString());
            }
        }
    }

    [Fact]
    public void Ports_are_those_that_the_flags_listen_on()
    {
        Dictionary<string, int> ports = ((JsonArray)Container["ports"]!).ToDictionary(
            port => port!["name"]!.ToString(), port => int.Parse(port!["containerPort"]!.ToString(), provider: null));
        ServerOptions options = ContainerFileTests.FlagsOf(Arguments());
        ListenUrl listen = options.ListenClientUrls.ShouldHaveSingleItem();
        listen.IsUnspecified.ShouldBeTrue();
        ports["client"].ShouldBe(listen.Port);
        options.AdvertiseClientUrls.ShouldBe([$"http://10.1.2.3:{listen.Port}"]);
        options.Name.ShouldBe("pgetcd-7d9f-x2x4q");
        options.WatchProgressNotifyInterval.ShouldBe(TimeSpan.FromSeconds(5));
        Arguments().ShouldContain($"--listen-metrics-urls=http://0.0.0.0:{ports["metrics"]}");

        JsonNode served = Object("Service")["spec"]!["ports"]![0]!;
        ports.Keys.ShouldContain(served["targetPort"]!.ToString());
        served["port"]!.ToString().ShouldBe($"{listen.Port}");
    }

    [Fact]
    public void Probes_use_etcds_paths_on_the_metrics_port()
    {
        Container["livenessProbe"]!["httpGet"]!["path"]!.ToString().ShouldBe("/livez");
        Container["readinessProbe"]!["httpGet"]!["path"]!.ToString().ShouldBe("/readyz");
        Container["startupProbe"]!["httpGet"]!["path"]!.ToString().ShouldBe("/readyz");
        foreach (string probe in new[] { "livenessProbe", "readinessProbe", "startupProbe" })
        {
            Container[probe]!["httpGet"]!["port"]!.ToString().ShouldBe("metrics");
        }
    }

    [Fact]
    public void The_database_comes_from_the_secret_and_is_a_valid_address()
    {
        JsonNode variable = ((JsonArray)Container["env"]!).Single(one => one!["name"]!.ToString() == Flags.Database.Variable)!;
        JsonNode reference = variable["valueFrom"]!["secretKeyRef"]!;
        reference["name"]!.ToString().ShouldBe(Object("Secret")["metadata"]!["name"]!.ToString());
        string url = Object("Secret")["stringData"]![reference["key"]!.ToString()]!.ToString();
        DatabaseAddress.ToConnectionString("url", url).ShouldContain("postgres-0.postgres:5432,postgres-1.postgres:5432");
    }

    [Fact]
    public void Pods_run_without_privileges_and_some_always_remain()
    {
        JsonNode pod = Object("Deployment")["spec"]!["template"]!["spec"]!;
        pod["securityContext"]!["runAsNonRoot"]!.ToString().ShouldBe("true");
        Container["securityContext"]!["allowPrivilegeEscalation"]!.ToString().ShouldBe("false");
        Container["securityContext"]!["capabilities"]!["drop"].Strings().ShouldBe(["ALL"]);
        int replicas = int.Parse(Object("Deployment")["spec"]!["replicas"]!.ToString(), provider: null);
        int left = int.Parse(Object("PodDisruptionBudget")["spec"]!["minAvailable"]!.ToString(), provider: null);
        replicas.ShouldBe(3);
        left.ShouldBeInRange(1, replicas - 1);
        string[] volumes = [.. ((JsonArray)pod["volumes"]!).Select(volume => volume!["name"]!.ToString())];
        ((JsonArray)Container["volumeMounts"]!).Select(mount => mount!["name"]!.ToString()).ShouldBe(volumes);
    }

    private JsonObject Object(string kind) => _objects.Single(one => one["kind"]!.ToString() == kind);

    private string[] Arguments() => [.. Container["args"].Strings().Select(argument => argument
        .Replace("$(POD_NAME)", "pgetcd-7d9f-x2x4q", StringComparison.Ordinal).Replace("$(POD_IP)", "10.1.2.3", StringComparison.Ordinal))];
}
