using System.Runtime.InteropServices;
using PgEtcd.Bench;
using PgEtcd.Bench.Streams;

try
{
    return await Main(Options.Parse(args)).ConfigureAwait(false);
}
catch (BenchException e)
{
    await Console.Error.WriteLineAsync($"bench: {e.Message}").ConfigureAwait(false);
    return 2;
}

static async Task<int> Main(Options options)
{
    if (options.Help || options.List)
    {
        IEnumerable<string> rows = Workload.All.Select(workload => workload.Name).Concat(StreamRows.Names(options)).Append(Compaction.Name);
        Console.WriteLine(options.Help ? Options.Usage : string.Join('\n', rows));
        return 0;
    }

    string directory = Path.GetFullPath(options.Out);
    string data = $"{directory}/run";
    if (Directory.Exists(data))
    {
        Directory.Delete(data, recursive: true);
    }

    Directory.CreateDirectory(data);

    // Two servers of the same kind get different names, for measuring the noise.
    IReadOnlyList<string> names = options.Servers.Distinct().Count() == 1 && options.Servers.Count == 2
        ? [$"{options.Servers[0]} A", $"{options.Servers[1]} B"]
        : options.Servers;
    string about = $"{DateTime.UtcNow:yyyy-MM-dd HH:mm} UTC, {RuntimeInformation.OSDescription}, {Environment.ProcessorCount} cores, "
        + $"rounds of A B B A: {options.Rounds}, {options.Seconds} s a turn"
        + (options.History > 0 ? $", {options.History} revisions" : "") + (options.Busy ? ", all cores busy" : "")
        + (options.Cores is { } cores ? $", {cores} cores for each server" : "");
    Report report = new(names, about);
    H2Load h2load = new(data, $"{directory}/random-key.so");
    List<Server> alive = [];
    OtherWork? others = null;
    using SemaphoreSlim disposing = new(1); // an interrupt may come while servers are being stopped
    using PosixSignalRegistration interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Interrupted);
    using PosixSignalRegistration terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Interrupted);

    others = options.Busy ? new OtherWork() : null;
    try
    {
        Console.WriteLine(about);
        Console.WriteLine(report.Head());
        IReadOnlyList<Server> servers = Make("cases");
        await new Throughput(h2load, options, report).Run(servers).ConfigureAwait(false);
        await DisposeAll().ConfigureAwait(false);
        await new StreamRows(h2load, options, report).Run(Make).ConfigureAwait(false);
        await DisposeAll().ConfigureAwait(false);
        await new Compaction(h2load, options, report).Run(Make).ConfigureAwait(false);
        await DisposeAll().ConfigureAwait(false);
        await new Sizes(h2load, options, report).Run(Make).ConfigureAwait(false);
    }
    finally
    {
        others?.Dispose();
        await DisposeAll().ConfigureAwait(false);
        report.Write(directory);
    }

    Console.WriteLine($"written to {directory}/results.md and results.json");
    return report.AllValid ? 0 : 1;

    IReadOnlyList<Server> Make(string purpose)
    {
        Server[] made = [.. options.Servers.Select((kind, i) => new Server(names[i], kind, $"{data}/{purpose}-{i}-{kind}", options))];
        alive.AddRange(made);
        return made;
    }

    async Task DisposeAll()
    {
        await disposing.WaitAsync().ConfigureAwait(false);
        try
        {
            foreach (Server server in alive)
            {
                await server.DisposeAsync().ConfigureAwait(false);
            }

            alive.Clear();
        }
        finally
        {
            disposing.Release();
        }
    }

    void Interrupted(PosixSignalContext context)
    {
        context.Cancel = true;
        others?.Dispose();
        DisposeAll().GetAwaiter().GetResult();
        Environment.Exit(130);
    }
}
