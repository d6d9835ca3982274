using System.Globalization;
using System.Text.RegularExpressions;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Starting;

/// <summary>The threads of a server run soon after they wake (operations.md).</summary>
public sealed partial class SchedulingSliceTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [SkippableFact]
    public async Task Threads_that_serve_have_slices_of_a_millisecond()
    {
        Skip.If(
            Environment.OSVersion.Version < new Version(6, 12) || !File.Exists("/proc/self/sched"),
            "This kernel has no slices of a thread's own, or does not show them.");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(await postgres.CreateStoreAsync());

        List<(string Name, long Slice)> threads = [.. Directory.GetDirectories($"/proc/{server.Pid}/task").Select(task => (
            File.ReadAllText($"{task}/comm").Trim(),
            long.Parse(Slice().Match(File.ReadAllText($"{task}/sched")).Groups[1].Value, CultureInfo.InvariantCulture)))];

        threads.ShouldContain(thread => thread.Name == ".NET TP Worker");
        threads.ShouldContain(thread => thread.Name == ".NET Sockets");
        threads.Where(thread => thread.Name is ".NET TP Worker" or ".NET Sockets").ShouldAllBe(thread => thread.Slice == 1_000_000);
    }

    [GeneratedRegex(@"se\.slice\s*:\s*(\d+)")]
    private static partial Regex Slice();
}
