using Grpc.Core;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.Chaos.Tests;

/// <summary>PostgreSQL comes back as a standby, like a demoted primary. It still has all data, but a read on it may return the older state
/// of another server.</summary>
public sealed class StandbyTests : IAsyncLifetime
{
    private static readonly Status TimedOut = new(StatusCode.Unavailable, "etcdserver: request timed out");

    private PostgresServer _postgres = null!;

    private string Signal => Path.Combine(_postgres.DataDirectory, "standby.signal");

    public async Task InitializeAsync() => _postgres = await PostgresServer.StartAsync();

    [Fact]
    public async Task No_read_is_answered_from_a_standby_and_no_history_counts_as_lost()
    {
        await using PgEtcdServer frontend = await PgEtcdServer.StartAsync(
            _postgres.ConnectionString(), moreArguments: ["--election-timeout", "500"]);
        await using KvClient client = new(frontend);
        long written = (await client.PutAsync("k", "1")).Header.Revision;
        frontend.Expect("PostgreSQL does not answer, trying again", "failed and will be tried again");

        await BecomeStandbyAsync();

        (await Should.ThrowAsync<RpcException>(() => client.GetAsync("k", timeout: Eventually.Patience))).Status.ShouldBe(TimedOut);
        (await Should.ThrowAsync<RpcException>(() => client.PutAsync("k", "2", Eventually.Patience))).Status.ShouldBe(TimedOut);

        await _postgres.StopAsync();
        File.Delete(Signal);
        await _postgres.RestartAsync();
        await Eventually.TrueAsync(
            async () => (await client.GetAsync("k")).Header.Revision == written, "the frontend serves again, at the same revision");
        (await client.PutAsync("k", "3", Eventually.Patience)).Header.Revision.ShouldBe(written + 1);
    }

    [Fact]
    public async Task A_frontend_does_not_start_on_a_standby_but_SQL_and_reading_verbs_work()
    {
        await using (PgEtcdServer frontend = await PgEtcdServer.StartAsync(_postgres.ConnectionString()))
        {
            await using KvClient client = new(frontend);
            await client.PutAsync("k", "1");
        }

        await BecomeStandbyAsync();

        string[][] verbs = [["state"], ["history", "k"], ["diff", "1", "2"], ["verify"], ["export", "-", "--format", "jsonl"]];
        foreach (string[] verb in verbs)
        {
            CommandResult read = await Command.RunAsync(PgEtcdServer.Program, [.. verb, "--database", _postgres.ConnectionString()]);
            read.ExitCode.ShouldBe(0, $"{verb[0]}: {read.Error}");
            read.Output.ShouldNotBeEmpty(verb[0]);
        }

        await using ChildProcess refused = PgEtcdServer.Launch(
            ["--database", _postgres.ConnectionString(), "--listen-client-urls", $"http://127.0.0.1:{FreePort.Next()}"]);
        (await refused.WaitForExitAsync()).ShouldBe(1);
        refused.Output.ShouldContain("is a standby, which takes no writes");
    }

    public async Task DisposeAsync() => await _postgres.DisposeAsync();

    private async Task BecomeStandbyAsync()
    {
        await _postgres.StopAsync();
        await File.WriteAllTextAsync(Signal, "");
        await PostgresBinaries.OwnAsync(Signal);
        await _postgres.RestartAsync();
    }
}
