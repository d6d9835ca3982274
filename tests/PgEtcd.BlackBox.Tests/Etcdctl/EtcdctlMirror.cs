using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl make-mirror</c>, from etcd to PgEtcd and back: one way to migrate.</summary>
internal static class EtcdctlMirror
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Each mirrors existing and new keys to the other.</summary>
    public static async Task RunAsync(EtcdctlPair pair)
    {
        await pair.SameAsync("make-mirror", "put src/a 1", "put src/b 2", "put other 3", "put src/a 4", "del src/b");
        const string line = "make-mirror --prefix=src/ --dest-prefix=dst/";
        await using ChildProcess one = pair.Reference.Start($"{line} {pair.Target.Filled("{server}")}");
        await using ChildProcess other = pair.Target.Start($"{line} {pair.Reference.Filled("{server}")}");
        await ShowsAsync(pair, one, other, "dst/a=4");
        await pair.SameAsync("put src/a 5", "put src/c 6", new("txn", "\nput src/d 7\ndel src/c\n\n\n"), "put src/end x");
        await ShowsAsync(pair, one, other, "dst/a=5", "dst/d=7", "dst/end=x");
        one.Signal(UnixSignal.Interrupt);
        other.Signal(UnixSignal.Interrupt);
        (await one.WaitForExitAsync()).ShouldBe(await other.WaitForExitAsync());
        one.Output.ShouldBe(other.Output);
        await pair.SameAsync("get dst/ --prefix");
    }

    private static async Task ShowsAsync(EtcdctlPair pair, ChildProcess one, ChildProcess other, params string[] keys)
    {
        await one.WaitUntilAsync(
            async () => (await pair.Target.Kv.ReadAsync("dst/", end: "dst0")).SequenceEqual(keys), Limit, "etcd is mirrored to PgEtcd");
        await other.WaitUntilAsync(
            async () => (await pair.Reference.Kv.ReadAsync("dst/", end: "dst0")).SequenceEqual(keys), Limit, "PgEtcd is mirrored to etcd");
    }
}
