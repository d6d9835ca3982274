using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl lock</c> and <c>elect</c>. <see cref="EtcdctlLockTests"/> has two frontends and a holder that dies.</summary>
internal static class EtcdctlLock
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>One client holds the lock and another waits; then commands hold it while they run.</summary>
    public static async Task LockAsync(EtcdctlPair pair)
    {
        await pair.SameAsync(
            async side =>
            {
                await using ChildProcess first = side.Start("lock resource");
                await ShowsAsync(first, "resource/");
                await using ChildProcess second = side.Start("lock resource --ttl=30");
                await UntilAsync(async () => (await KeysAsync(side, "resource/")).Length == 2, "the second waits");
                second.Output.ShouldBe("");
                (await KeysAsync(side, "resource/")).ShouldContain(first.Output.Trim());
                int firstEnded = await InterruptAsync(first);
                await ShowsAsync(second, "resource/");
                (await KeysAsync(side, "resource/")).ShouldBe([second.Output.Trim()]);
                return (firstEnded, await InterruptAsync(second), (await KeysAsync(side, "resource/")).Length);
            },
            "lock resource");
        await pair.SameAsync(
            "lock resource -- printenv ETCD_LOCK_REV", "lock resource -- false", "lock resource echo held",
            "lock resource -- /no/such/program", "lock", "lock resource --ttl=x",
            "get resource/ --prefix");
    }

    /// <summary>One client leads, another campaigns, a third observes.</summary>
    public static async Task ElectAsync(EtcdctlPair pair)
    {
        await pair.SameAsync(
            async side =>
            {
                await using ChildProcess listening = side.Start("elect office -l");
                await using ChildProcess first = side.Start("elect office alice");
                await ShowsAsync(first, "alice");
                await ShowsAsync(listening, "alice");
                await using ChildProcess second = side.Start("elect office bob");
                await UntilAsync(async () => (await KeysAsync(side, "office/")).Length == 2, "the second campaigns");
                second.Output.ShouldBe("");
                int firstEnded = await InterruptAsync(first);
                await ShowsAsync(second, "bob");
                await ShowsAsync(listening, "bob");
                string seen = string.Join(
                    ' ', listening.Output.Split('\n').Where(line => !line.StartsWith("office/", StringComparison.Ordinal)));
                return (firstEnded, await InterruptAsync(second), seen, (await KeysAsync(side, "office/")).Length);
            },
            "elect office");
        await pair.SameAsync("elect", "elect office", "elect -l office x");
    }

    private static async Task<int> InterruptAsync(ChildProcess process)
    {
        process.Signal(UnixSignal.Interrupt);
        return await process.WaitForExitAsync();
    }

    private static Task ShowsAsync(ChildProcess process, string text) => process.WaitUntilAsync(
        () => Task.FromResult(process.Output.Contains(text, StringComparison.Ordinal)), Limit, $"it shows \"{text}\"");

    private static Task UntilAsync(Func<Task<bool>> condition, string what) => Eventually.TrueAsync(condition, Limit, what);

    private static async Task<string[]> KeysAsync(EtcdctlSide side, string prefix) =>
        [.. (await side.Kv.ReadAsync(prefix, end: prefix[..^1] + "0")).Select(pair => pair.Split('=')[0])];
}
