using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl lock</c> and <c>elect</c> in two processes on two frontends.</summary>
public sealed class EtcdctlLockTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private PgEtcdServer _one = null!;
    private PgEtcdServer _other = null!;

    public async Task InitializeAsync()
    {
        string database = await postgres.CreateStoreAsync();
        _one = await PgEtcdServer.StartAsync(database, name: "one");
        _other = await PgEtcdServer.StartAsync(database, name: "other");
    }

    [SkippableTheory]
    [InlineData(UnixSignal.Interrupt, 0)]
    [InlineData(UnixSignal.Kill, 1)] // no revocation: the lease must expire
    public async Task The_second_etcdctl_lock_waits_for_the_first(UnixSignal end, int atLeastSeconds)
    {
        EtcdctlScript.Require();
        await using ChildProcess first = EtcdctlScript.Start(_one, "lock resource --ttl=2");
        await ShowsAsync(first, "resource/");
        await using ChildProcess second = EtcdctlScript.Start(_other, "lock resource --ttl=60");
        await Eventually.TrueAsync(async () => (await KeysAsync("resource/")).Length == 2, Limit, "the second waits");
        await Task.Delay(2500); // longer than the lease, which the holder keeps alive
        second.Output.ShouldBe("");

        System.Diagnostics.Stopwatch since = System.Diagnostics.Stopwatch.StartNew();
        first.Signal(end);
        await ShowsAsync(second, "resource/");
        since.Elapsed.TotalSeconds.ShouldBeGreaterThan(atLeastSeconds);
        (await KeysAsync("resource/")).ShouldBe([second.Output.Trim()]);
        second.Signal(UnixSignal.Interrupt);
        (await second.WaitForExitAsync()).ShouldBe(0);
        (await KeysAsync("resource/")).ShouldBeEmpty();
    }

    [SkippableFact]
    public async Task Etcdctl_lock_runs_a_command_with_its_key_and_releases_the_lock()
    {
        EtcdctlScript.Require();
        string[] printed = (await EtcdctlScript.RunAsync(_one, "lock resource -- printenv ETCD_LOCK_KEY ETCD_LOCK_REV")).Split('\n');
        printed[0].ShouldBe("exit code 0");
        printed[1].ShouldStartWith("resource/");
        printed[2].ShouldBe("2");
        (await KeysAsync("resource/")).ShouldBeEmpty();
    }

    [SkippableFact]
    public async Task Etcdctl_elect_has_one_leader_at_a_time_and_shows_each_to_observers()
    {
        EtcdctlScript.Require();
        await using ChildProcess listening = EtcdctlScript.Start(_other, "elect office -l");
        await using ChildProcess first = EtcdctlScript.Start(_one, "elect office alice");
        await ShowsAsync(first, "alice");
        await ShowsAsync(listening, "alice");
        await using ChildProcess second = EtcdctlScript.Start(_other, "elect office bob");
        await Eventually.TrueAsync(async () => (await KeysAsync("office/")).Length == 2, Limit, "the second campaigns");
        second.Output.ShouldBe("");

        first.Signal(UnixSignal.Interrupt);
        await ShowsAsync(second, "bob");
        await ShowsAsync(listening, "bob");
        listening.Output.Split('\n').Where(line => line is "alice" or "bob").ShouldBe(["alice", "bob"]);
        second.Signal(UnixSignal.Interrupt);
        (await second.WaitForExitAsync()).ShouldBe(0);
        (await KeysAsync("office/")).ShouldBeEmpty();
    }

    public async Task DisposeAsync()
    {
        await _one.DisposeAsync();
        await _other.DisposeAsync();
    }

    private static Task ShowsAsync(ChildProcess process, string text) => process.WaitUntilAsync(
        () => Task.FromResult(process.Output.Contains(text, StringComparison.Ordinal)), Limit, $"it shows \"{text}\"");

    private async Task<string[]> KeysAsync(string prefix)
    {
        await using Kv kv = new(_one);
        return [.. (await kv.ReadAsync(prefix, end: prefix[..^1] + "0")).Select(pair => pair.Split('=')[0])];
    }
}
