using System.Text.Json;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl snapshot</c>. Snapshots/RoundTripTests show that a real etcd runs from a restored snapshot.</summary>
internal static class EtcdctlSnapshot
{
    private static readonly EtcdctlCommand[] Saved = [
        "put a 1", "put b 2", "del a", "lease grant 60", "put c 3 --lease={lease}", "snapshot save {dir}/file"];

    public static Task SaveAsync(EtcdctlPair pair) =>
        pair.SameAsync([.. Saved, "snapshot save {dir}/file", "snapshot save {dir}/none/file", "snapshot save"]);

    /// <summary>The hash and the sizes cover the whole file, with members and raft's data, and so differ between
    /// servers.</summary>
    public static async Task StatusAsync(EtcdctlPair pair)
    {
        await pair.SameAsync(Saved);
        await pair.SameAsync(
            async side =>
            {
                string printed = await side.RunAsync("snapshot status {dir}/file -w json");
                JsonElement status = JsonElement.Parse(printed.Split('\n')[1]);
                status.GetProperty("totalSize").GetInt64().ShouldBeGreaterThan(0);
                status.GetProperty("totalKey").GetInt64().ShouldBeGreaterThanOrEqualTo(5);
                return (printed.Split(
                    '\n')[0], status.GetProperty("revision").GetInt64(), string.Join(' ',
                    status.EnumerateObject().Select(field => field.Name)));
            },
            "snapshot status {dir}/file -w json");
        await pair.SameAsync(
            async side => string.Join('\n', (await side.RunAsync("snapshot status {dir}/file -w table")).Split('\n')
                .Take(3)), "snapshot status {dir}/file -w table");
        await pair.SameAsync("snapshot status {dir}/none", "snapshot status", "snapshot status {dir}/file -w nonsense");
    }

    public static Task RestoreAsync(EtcdctlPair pair) => pair.SameAsync(
    [
        .. Saved, "snapshot restore {dir}/file --data-dir={dir}/data", "snapshot restore {dir}/file --data-dir={dir}/data",
        "snapshot restore {dir}/none --data-dir={dir}/data2",
        "snapshot restore {dir}/file --data-dir={dir}/data3 --name=x --initial-cluster=x=http://127.0.0.1:1 "
            + "--initial-advertise-peer-urls=http://127.0.0.1:1 --skip-hash-check",
        "snapshot restore",
    ]);
}
