using PgEtcd.BlackBox.Tests.Snapshots;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>The private PostgreSQL if root has only the rights of root in a container and cannot read the links of another user's
/// process (fault A7).</summary>
public sealed class ContainerRightsTests
{
    [SkippableFact]
    public async Task Root_without_the_right_to_trace_starts_and_finds_the_private_PostgreSQL()
    {
        Skip.IfNot(Environment.IsPrivilegedProcess, "only root has a user to run PostgreSQL as");
        Tool.Require("/usr/bin/setpriv", "util-linux");
        using TempDirectory data = new("rights");
        (await UntracedAsync("migrate", "--data-dir", data.Path)).ShouldStartWith("Schema 'pgetcd' was made");

        Uri url = new($"http://127.0.0.1:{FreePort.Next()}");
        await using PgEtcdServer server = await PgEtcdServer.StartWithAsync(
            url, ["--data-dir", data.Path, "--listen-client-urls", url.ToString().TrimEnd('/')]);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        (await UntracedAsync("state", "--data-dir", data.Path)).ShouldContain("1 key at revision 2");
    }

    private static async Task<string> UntracedAsync(params string[] words)
    {
        CommandResult result = await Command.RunAsync(
            "/usr/bin/setpriv", ["--bounding-set=-sys_ptrace", "--inh-caps=-sys_ptrace", PgEtcdServer.Program, .. words],
            environment: SnapshotTools.Environment);
        result.ExitCode.ShouldBe(0, result.Error);
        return result.Output;
    }
}
