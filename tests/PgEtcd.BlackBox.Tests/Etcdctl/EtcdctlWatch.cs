using System.Text;
using PgEtcd.Testing.Processes;
using Shouldly;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl watch</c> while other commands run.</summary>
/// <param name="Line">The watch. A watch without <c>--rev</c> is first shown to be active.</param>
/// <param name="Sentinel">A watched key that no command touches; a put of it ends the watch.</param>
/// <param name="Before">Writes before the watch starts.</param>
/// <param name="During">Writes during the watch.</param>
/// <param name="Shown">Output to wait for before going on, if the output depends on the events that were read together.</param>
internal sealed record EtcdctlWatch(string Line, string Sentinel, Func<Kv, Task> Before, Func<Kv, Task> During, string Shown = "")
{
    private const string Begin = "the watch has begun";
    private const string End = "the watch shall end";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    /// <summary>Typical uses, by name.</summary>
    public static IReadOnlyDictionary<string, EtcdctlWatch> All { get; } = new Dictionary<string, EtcdctlWatch>
    {
        ["a key"] = new("watch a", "a", NothingAsync, WriteAsync),
        ["a prefix"] = new("watch dir/ --prefix", "dir/-", NothingAsync, WriteAsync),
        ["a range"] = new("watch a dir/y", "dir/-", NothingAsync, WriteAsync),
        ["everything"] = new("watch '' --prefix", "-", NothingAsync, WriteAsync),
        ["history"] = new("watch '' --prefix --rev={1}", "-", WriteAsync, NothingAsync),
        ["history and what follows"] = new("watch '' --prefix --rev={4}", "-", WriteAsync, WriteAsync),
        ["history of a key"] = new("watch a --rev={3}", "a", WriteAsync, WriteAsync),
        ["previous values"] = new("watch '' --prefix --rev={2} --prev-kv", "-", WriteAsync, WriteAsync),
        ["history as json"] = new("watch '' --prefix --rev={2} --prev-kv -w json", "-", WriteAsync, NothingAsync, "Events"),
        ["history after a compaction"] = new("watch '' --prefix --rev={7} --prev-kv", "-", CompactedAsync, WriteAsync),
        ["the future"] = new("watch '' --prefix --rev={8}", "-", NothingAsync, WriteAsync),
        ["a command for each event"] = new(
            "watch '' --prefix --rev={2} -- printenv ETCD_WATCH_REVISION ETCD_WATCH_EVENT_TYPE ETCD_WATCH_KEY ETCD_WATCH_VALUE", "-",
            WriteAsync, NothingAsync, "dir/q"),
    };

    /// <summary>All runs, with those that are refused.</summary>
    public static async Task CompareAsync(EtcdctlPair pair)
    {
        foreach (EtcdctlWatch watch in All.Values)
        {
            await pair.BeginAsync();
            (await pair.SameAsync(watch.RunAsync, watch.Line)).ShouldNotBeEmpty();
        }

        await pair.BeginAsync();
        await Task.WhenAll(pair.Both.Select(side => CompactedAsync(side.Kv)));
        await pair.SameAsync("watch a --rev={3}", "watch '' --prefix --rev={1} -w json", "watch", "watch a --rev=x");
    }

    /// <summary>Runs the watch against a server.</summary>
    /// <returns>The output.</returns>
    private async Task<string> RunAsync(EtcdctlSide side)
    {
        await Before(side.Kv);
        await using ChildProcess watch = side.Start(Line);
        Kv kv = side.Kv;
        if (!Line.Contains("--rev", StringComparison.Ordinal))
        {
            await PutUntilSeenAsync(kv, watch, Begin);
        }
        await watch.WaitUntilAsync(
            () => Task.FromResult(watch.Output.Contains(Shown, StringComparison.Ordinal)), Limit, $"{Line} shows \"{Shown}\"");
        await During(kv);
        await PutUntilSeenAsync(kv, watch, End);
        watch.Signal(UnixSignal.Interrupt);
        await watch.WaitForExitAsync();
        return side.Common(WithoutSentinels(watch.Output));
    }

    private static Task NothingAsync(Kv kv) => Task.CompletedTask;

    private static async Task WriteAsync(Kv kv)
    {
        foreach ((string key, string? value) in ((string, string?)[])
            [("a", "1"), ("dir/x", "2"), ("other", "3"), ("a", "4"), ("dir/x", null), ("dir/x", "5"), ("dir/y", "6")])
        {
            await (value is null ? kv.DeleteAsync(key) : kv.PutAsync(key, value));
        }

        await kv.DeleteAsync("dir/", "dir0");
        await kv.DeleteAsync("a");
        await kv.SendAsync(Kv.Txn(Kv.Op(Kv.Put("dir/p", "7")), Kv.Op(Kv.Put("dir/q", "8")), Kv.Op(Kv.Delete("absent"))));
        await kv.PutAsync("a", "ä");
        await kv.DeleteAsync(Kv.End, Kv.End);
    }

    private static async Task CompactedAsync(Kv kv)
    {
        long first = await kv.RevisionAsync();
        await WriteAsync(kv);
        await kv.CompactAsync(first + 6);
    }

    /// <summary>Puts the sentinel until the watch shows it. The last put is made once, as the watch is then active or has a start
    /// revision.</summary>
    private async Task PutUntilSeenAsync(Kv kv, ChildProcess watch, string value)
    {
        DateTime next = DateTime.MinValue;
        await watch.WaitUntilAsync(
            async () =>
            {
                if (DateTime.UtcNow > next)
                {
                    await kv.PutAsync(Sentinel, value);
                    next = value == End ? DateTime.MaxValue : DateTime.UtcNow + TimeSpan.FromSeconds(1);
                }
                return LinesWith(value, watch.Output.Split('\n')).Any();
            },
            Limit,
            $"{Line} shows \"{value}\"");
    }

    private static string WithoutSentinels(string output)
    {
        string[] lines = output.Split('\n');
        int first = LinesWith(Begin, lines).Select(index => index + 1).LastOrDefault();
        int end = LinesWith(End, lines).First();
        // In the simple format a put is three lines: PUT, the key, the value.
        int behind = lines[end] == End ? end - 2 : end;
        return string.Join('\n', lines[first..behind]);
    }

    private static IEnumerable<int> LinesWith(string value, string[] lines)
    {
        string inJson = Convert.ToBase64String(Encoding.UTF8.GetBytes(value));
        return Enumerable.Range(0, lines.Length).Where(
            i => lines[i] == value || lines[i].Contains(inJson, StringComparison.Ordinal));
    }
}
