using k8s;
using k8s.Models;
using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Deployment;

/// <summary>deploy/helm/pgetcd, rendered by Helm: the objects have Kubernetes' fields, and the flags are pgetcd's.</summary>
/// <remarks><c>test.sh</c> installs Helm where it can, and names it in TESTED_HELM; without it these tests are skipped.</remarks>
public sealed class HelmChartTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private const string Database = "database.url=postgres://etcd@db/etcd";

    private static readonly string[] Everything =
    [
        Database, "auth.rbac.create=true", "auth.rbac.rootPassword=secret", "auth.client.secureTransport=true",
        "auth.client.enableAuthentication=true", "auth.client.existingSecret=tls", "networkPolicy.enabled=true",
        "networkPolicy.allowExternal=false", "metrics.serviceMonitor.enabled=true", "metrics.prometheusRule.enabled=true",
        "service.ports.client=12379", "service.type=NodePort", "service.nodePorts.client=30379", "replicaCount=5", "pdb.maxUnavailable=2",
        "extraArgs[0]=--auto-compaction-retention=1h", "image.registry=registry.example.com", "image.tag=1.2.3", "commonLabels.team=a",
        "metrics.serviceMonitor.scrapeTimeout=10s", "nodeSelector.disk=ssd", "priorityClassName=high", "commonAnnotations.note=x",
        "podAnnotations.a=b", "podLabels.c=d", "service.annotations.e=f",
        @"proxyProtocolFrom=10.0.0.0/8\,fd00::/8",
    ];

    [SkippableTheory]
    [InlineData("Deployment Secret Service ServiceAccount PodDisruptionBudget", Database)]
    [InlineData("Deployment Service ServiceAccount PodDisruptionBudget", "database.existingSecret=mine")]
    [InlineData(
        "Deployment Secret Service Service ServiceAccount PodDisruptionBudget StatefulSet", "postgresql.enabled=true",
        "postgresql.auth.password=p@ss w")]
    [InlineData("Deployment Job NetworkPolicy PodDisruptionBudget PrometheusRule Secret Secret Service ServiceAccount ServiceMonitor")]
    public async Task It_renders_objects_that_Kubernetes_knows(string kinds, params string[] values)
    {
        List<object> objects = await RenderAsync(values.Length == 0 ? Everything : values);
        objects.Select(one => one is IKubernetesObject known ? known.Kind : ((Dictionary<object, object>)one)["kind"].ToString()!)
            .Order(StringComparer.Ordinal).ShouldBe(kinds.Split(' ').Order(StringComparer.Ordinal));

        V1Deployment deployment = objects.OfType<V1Deployment>().Single();
        IDictionary<string, string> labels = deployment.Spec.Template.Metadata.Labels;
        IEnumerable<IDictionary<string, string>> selectors =
        [
            deployment.Spec.Selector.MatchLabels,
            objects.OfType<V1Service>().Last(one => !one.Metadata.Name.EndsWith("postgresql", StringComparison.Ordinal)).Spec.Selector,
            objects.OfType<V1PodDisruptionBudget>().Single().Spec.Selector.MatchLabels,
            .. objects.OfType<V1NetworkPolicy>().Select(one => one.Spec.PodSelector.MatchLabels),
        ];
        foreach (KeyValuePair<string, string> label in selectors.SelectMany(selector => selector))
        {
            labels.ShouldContain(label);
        }

        // The flags are pgetcd's, and the database is an address.
        V1Container container = deployment.Spec.Template.Spec.Containers.Single();
        string[] flags = [.. container.Args.Select(flag => flag.Replace("$(POD_IP)", "10.0.0.1", StringComparison.Ordinal).Replace(
            "$(POD_NAME)", "pod", StringComparison.Ordinal))];
        CommandResult help = await SnapshotTools.PgEtcdAsync("state", "--help");
        help.ExitCode.ShouldBe(0);
        string database = objects.OfType<V1Secret>().SelectMany(one => one.StringData).FirstOrDefault(one => one.Key == "url").Value
            ?? "postgres://x@y/z";
        CommandResult tried = await SnapshotTools.PgEtcdAsync(
            [
                .. flags.Where(flag => !flag.Contains("/certs/", StringComparison.Ordinal) && flag != "--client-cert-auth"),
                $"--database={database}", "--version"]);
        tried.ExitCode.ShouldBe(0, tried.Error);
    }

    [SkippableTheory]
    [InlineData("set database.url, database.existingSecret or postgresql.enabled=true")]
    [InlineData("postgresql.auth.password is needed with postgresql.enabled", "postgresql.enabled=true")]
    [InlineData("auth.rbac.rootPassword is needed with auth.rbac.create", Database, "auth.rbac.create=true")]
    [InlineData("auth.client.existingSecret is needed with auth.client.secureTransport", Database, "auth.client.secureTransport=true")]
    public async Task Missing_values_are_reported(string sentence, params string[] values)
    {
        CommandResult result = await HelmAsync(values);
        result.ExitCode.ShouldNotBe(0);
        result.Error.ShouldContain(sentence);
    }

    [SkippableFact]
    public async Task The_job_turns_authentication_on_once_with_any_password()
    {
        Tool.Require("/usr/bin/curl", "curl");
        V1Container job = (await RenderAsync(Everything)).OfType<V1Job>().Single().Spec.Template.Spec.Containers.Single();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());
        const string Password = """p"a\s's $wörd""";
        Dictionary<string, string> environment = new()
        {
            ["URL"] = server.ClientUrl.ToString().TrimEnd('/'),
            ["TLS"] = "",
            ["PASSWORD"] = Password,
            ["PATH"] = "/usr/bin:/bin",
        };
        string[] said = ["authentication is on now\n", "authentication is on\n"];
        foreach (string expected in said)
        {
            CommandResult result = await Command.RunAsync(job.Command[0], [.. job.Command.Skip(1), .. job.Args], environment: environment);
            result.ExitCode.ShouldBe(0, result.Error);
            result.Output.ShouldBe(expected);
        }

        await using Kv kv = new(server);
        (await Should.ThrowAsync<Exception>(() => kv.PutAsync("a", "1"))).Message.ShouldContain("user name is empty");
        await kv.Channel.UnaryAsync<Protocol.Etcdserverpb.AuthenticateRequest, Protocol.Etcdserverpb.AuthenticateResponse>(
            "etcdserverpb.Auth/Authenticate", new() { Name = "root", Password = Password });
    }

    private static async Task<List<object>> RenderAsync(string[] values)
    {
        CommandResult result = await HelmAsync(values);
        result.ExitCode.ShouldBe(0, result.Error);
        Dictionary<string, Type> custom = new()
        {
            ["monitoring.coreos.com/v1/ServiceMonitor"] = typeof(Dictionary<object, object>),
            ["monitoring.coreos.com/v1/PrometheusRule"] = typeof(Dictionary<object, object>),
        };
        return [.. KubernetesYaml.LoadAllFromString(result.Output, custom, strict: true)];
    }

    private static Task<CommandResult> HelmAsync(string[] values)
    {
        string? helm = Environment.GetEnvironmentVariable("TESTED_HELM");
        Skip.If(helm is null, "TESTED_HELM names no helm");
        return Command.RunAsync(
            helm!,
            [
                "template", "release", Path.Combine(Repository.Root, "deploy/helm/pgetcd"), "--namespace", "ns",
                .. values.SelectMany(value => new[] { "--set", value }),
            ],
            environment: new Dictionary<string, string> { ["HOME"] = "/tmp" });
    }
}
