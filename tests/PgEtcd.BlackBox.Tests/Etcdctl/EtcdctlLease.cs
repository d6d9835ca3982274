using System.Diagnostics;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl lease</c> from grant to expiry. The server chooses the ids, so expected outputs are written here.</summary>
internal static class EtcdctlLease
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Keeps a lease of two seconds alive for longer, then lets it expire.</summary>
    public static async Task KeepAliveThenExpireAsync(IEtcdServer server)
    {
        string id = await GrantAsync(server, "2");
        (await PrintedAsync(server, $"put held by-lease --lease={id}")).ShouldBe("OK");
        await using ChildProcess keepAlive = KeepAlive(server, id);
        await keepAlive.WaitUntilAsync(() => Task.FromResult(keepAlive.Output.Split('\n').Length >= 5), Limit, "five keep-alives");
        keepAlive.Output.Split('\n').ShouldAllBe(line => line == $"lease {id} keepalived with TTL(2)");
        (await PrintedAsync(server, "get held --print-value-only")).ShouldBe("by-lease");
        (await PrintedAsync(server, $"lease timetolive {id} --keys"))
            .ShouldMatch($@"^lease {id} granted with TTL\(2s\), remaining\([012]s\), attached keys\(\[held\]\)$");
        (await PrintedAsync(server, "lease list")).ShouldContain(id);

        keepAlive.Signal(UnixSignal.Interrupt);
        await keepAlive.WaitForExitAsync();
        Stopwatch sinceLast = Stopwatch.StartNew();
        await using (Kv kv = new(server))
        {
            await Eventually.TrueAsync(async () => (await kv.ReadAsync("held")).Length == 0, Limit, "the key goes with its lease");
        }

        // The last keep-alive was at most a second before the interrupt.
        sinceLast.Elapsed.TotalSeconds.ShouldBeGreaterThan(0.9);
        (await PrintedAsync(server, $"lease timetolive {id}")).ShouldBe($"lease {id} already expired");
        (await PrintedAsync(server, "lease list")).ShouldNotContain(id);
    }

    /// <summary>A keep-alive whose lease is revoked ends with a message.</summary>
    public static async Task KeepAliveOfARevokedLeaseEndsAsync(IEtcdServer server)
    {
        string id = await GrantAsync(server, "3");
        await PrintedAsync(server, $"put kept by-lease --lease={id}");
        await using ChildProcess keepAlive = KeepAlive(server, id);
        await keepAlive.WaitUntilAsync(() => Task.FromResult(keepAlive.Output != ""), Limit, "a keep-alive");
        (await PrintedAsync(server, $"lease revoke {id}")).ShouldBe($"lease {id} revoked");
        (await PrintedAsync(server, "get kept")).ShouldBe("");
        (await keepAlive.WaitForExitAsync()).ShouldBe(0);
        keepAlive.Output.ShouldEndWith($"lease {id} expired or revoked.");
        (await PrintedAsync(server, $"lease keep-alive {id}")).ShouldBe($"lease {id} expired or revoked.");
        (await EtcdctlScript.RunAsync(server, $"lease keep-alive --once {id}")).ShouldEndWith(
            "Error: etcdserver: requested lease not found");
        (await EtcdctlScript.RunAsync(server, $"lease revoke {id}")).ShouldEndWith(
            "Error: failed to revoke lease (etcdserver: requested lease not found)");
    }

    private static ChildProcess KeepAlive(IEtcdServer server, string id) => EtcdctlScript.Start(server, $"lease keep-alive {id}");

    private static async Task<string> GrantAsync(IEtcdServer server, string seconds)
    {
        string[] words = (await PrintedAsync(server, $"lease grant {seconds}")).Split(' ');
        string.Join(' ', words[2..]).ShouldBe($"granted with TTL({seconds}s)");
        return words[1];
    }

    /// <summary>The output of a command that must succeed.</summary>
    private static async Task<string> PrintedAsync(IEtcdServer server, string line)
    {
        string[] printed = (await EtcdctlScript.RunAsync(server, line)).Split('\n', 2);
        printed[0].ShouldBe("exit code 0", $"etcdctl {line}");
        return printed[1].TrimEnd('\n');
    }
}
