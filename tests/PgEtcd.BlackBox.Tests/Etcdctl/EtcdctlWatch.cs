using System.Text;
using PgEtcd.Testing;
using PgEtcd.Testing.Processes;

namespace PgEtcd.BlackBox.Tests.Etcdctl;

/// <summary><c>etcdctl watch</c> while other commands run.</summary>
/// <param name="Line">The watch. With <c>--rev</c> it does not matter when it begins; one without is first shown to be there.</param>
/// <param name="Sentinel">A key that it sees and that no command touches; a put of it ends the watch.</param>
/// <param name="Before">Commands that run before it starts.</param>
/// <param name="During">Commands that run while it does.</param>
/// <param name="Shown">What it must show before it goes on: where a revision of all that was read at once is printed.</param>
internal sealed record EtcdctlWatch(string Line, string Sentinel, EtcdctlCommand[] Before, EtcdctlCommand[] During, string Shown = "")
{
    private const string Begin = "the watch has begun";
    private const string End = "the watch shall end";
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(20);

    private static readonly EtcdctlCommand[] SomeWrites =
    [
        "put a 1", "put dir/x 2", "put other 3", "put a 4", "del dir/x", "put dir/x 5", "put dir/y 6", "del dir/ --prefix", "del a",
        new("txn", "\nput dir/p 7\nput dir/q 8\ndel absent\n\n\n"), "put a ä", "del '' --prefix",
    ];

    /// <summary>What users do, by name.</summary>
    public static IReadOnlyDictionary<string, EtcdctlWatch> All { get; } = new Dictionary<string, EtcdctlWatch>
    {
        ["a key"] = new("watch a", "a", [], SomeWrites),
        ["a prefix"] = new("watch dir/ --prefix", "dir/-", [], SomeWrites),
        ["a range"] = new("watch a dir/y", "dir/-", [], SomeWrites),
        ["everything"] = new("watch '' --prefix", "-", [], SomeWrites),
        ["history"] = new("watch '' --prefix --rev=1", "-", SomeWrites, []),
        ["history and what follows"] = new("watch '' --prefix --rev=4", "-", SomeWrites, SomeWrites),
        ["history of a key"] = new("watch a --rev=3", "a", SomeWrites, SomeWrites),
        ["previous values"] = new("watch '' --prefix --rev=2 --prev-kv", "-", SomeWrites, SomeWrites),
        ["history as json"] = new("watch '' --prefix --rev=2 --prev-kv -w json", "-", SomeWrites, [], "Events"),
        ["history after a compaction"] = new("watch '' --prefix --rev=7 --prev-kv", "-", [.. SomeWrites, "compaction 7"], SomeWrites),
        ["the future"] = new("watch '' --prefix --rev=8", "-", [], SomeWrites),
        ["a command for each event"] = new(
            "watch '' --prefix --rev=2 -- printenv ETCD_WATCH_REVISION ETCD_WATCH_EVENT_TYPE ETCD_WATCH_KEY ETCD_WATCH_VALUE", "-", SomeWrites, [], "dir/q"),
    };

    /// <summary>Runs it against a server.</summary>
    /// <returns>What it printed.</returns>
    public async Task<string> RunAsync(IEtcdServer server)
    {
        foreach (EtcdctlCommand command in Before)
        {
            await EtcdctlScript.RunAsync(server, command);
        }
        await using ChildProcess watch = ChildProcess.Start("etcdctl watch", EtcdctlScript.Program, EtcdctlScript.Arguments(server, Line), EtcdctlScript.Version3);
        await using Kv kv = Kv.To(server);
        if (!Line.Contains("--rev", StringComparison.Ordinal))
        {
            await PutUntilSeenAsync(kv, watch, Begin);
        }
        await watch.WaitUntilAsync(() => Task.FromResult(watch.Output.Contains(Shown, StringComparison.Ordinal)), Limit, $"{Line} shows \"{Shown}\"");
        foreach (EtcdctlCommand command in During)
        {
            await EtcdctlScript.RunAsync(server, command);
        }
        await PutUntilSeenAsync(kv, watch, End);
        watch.Signal(UnixSignal.Interrupt);
        await watch.WaitForExitAsync();
        return EtcdctlScript.WithoutIdentity(WithoutSentinels(watch.Output));
    }

    /// <summary>Puts the sentinel until the watch shows it. The end is put once: by then the watch is there, or has a revision to start from.</summary>
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
        // As text a put is three lines: PUT, the key, the value.
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
