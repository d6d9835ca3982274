using System.Diagnostics;
using Npgsql;
using Shouldly;
using Xunit;
using static PgEtcd.LocalPostgres.Tests.DataDirectoryFixture;

namespace PgEtcd.LocalPostgres.Tests;

public class LocalDatabaseTests(DataDirectoryFixture fixture) : IClassFixture<DataDirectoryFixture>
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_data_persists_and_stopping_leaves_no_process()
    {
        LocalDatabase database = await StartAsync(fixture.DataDir);
        (await QueryAsync(database, "SELECT number FROM kept")).ShouldBe(42);

        await database.DisposeAsync();

        IsRunning(database.ProcessId).ShouldBeFalse();
        File.Exists(Path.Combine(fixture.DataDir, "data/postmaster.pid")).ShouldBeFalse();
    }

    [Fact]
    public async Task It_is_durable_and_listens_on_a_socket_only()
    {
        await using LocalDatabase database = await StartAsync(fixture.DataDir);

        (await QueryAsync(
            database, "SELECT current_setting('fsync') || current_setting('synchronous_commit') || current_setting('listen_addresses')"))
            .ShouldBe("onon");
        new NpgsqlConnectionStringBuilder(database.ConnectionString).Host.ShouldBe(Path.Combine(fixture.DataDir, "run"));
        File.GetUnixFileMode(Path.Combine(fixture.DataDir, "run"))
            .ShouldBe(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    [Fact]
    public async Task Pages_in_its_WAL_are_compressed_if_that_is_cheap()
    {
        PostgresBinaries binaries = await PostgresBinaries.FindAsync(
            null, Environment.GetEnvironmentVariable, null, CancellationToken.None);
        bool hasLz4 = await binaries.AcceptsAsync("wal_compression", "lz4", CancellationToken.None);
        await using LocalDatabase database = await StartAsync(fixture.DataDir);

        (await QueryAsync(database, "SELECT current_setting('wal_compression')")).ShouldBe(hasLz4 ? "lz4" : "off");
    }

    [Theory]
    [InlineData("fsync", "off", true)]
    [InlineData("wal_compression", "lz5", false)]
    [InlineData("no_such_setting", "on", false)]
    public async Task The_values_that_its_programs_know_are_asked_for(string setting, string value, bool isKnown)
    {
        PostgresBinaries binaries = await PostgresBinaries.FindAsync(
            null, Environment.GetEnvironmentVariable, null, CancellationToken.None);

        (await binaries.AcceptsAsync(setting, value, CancellationToken.None)).ShouldBe(isKnown);
    }

    [Theory]
    [InlineData(512, 256)]
    [InlineData(8192, 512)]
    [InlineData(65536, 1024)]
    public void Its_cache_follows_the_memory(long mebibytes, long buffers) =>
        PostgresSettings.BufferMebibytes(mebibytes << 20).ShouldBe(buffers);

    [Fact]
    public async Task It_runs_in_a_session_of_its_own_so_that_Ctrl_C_does_not_reach_it()
    {
        await using LocalDatabase database = await StartAsync(fixture.DataDir);

        // proc(5): after the name in parentheses come state, parent, process group, session.
        string stat = await File.ReadAllTextAsync($"/proc/{database.ProcessId}/stat");
        stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[3].ShouldBe($"{database.ProcessId}");
    }

    [Fact]
    public async Task Frontends_started_at_once_share_it_and_the_last_one_stops_it()
    {
        LocalDatabase[] all = await Task.WhenAll(StartAsync(fixture.DataDir), StartAsync(fixture.DataDir), StartAsync(fixture.DataDir));
        all.Select(d => d.ProcessId).Distinct().Count().ShouldBe(1);

        await all[0].StopAsync();
        await all[1].StopAsync();
        (await QueryAsync(all[2], "SELECT number FROM kept")).ShouldBe(42);
        await all[2].StopAsync();

        IsRunning(all[2].ProcessId).ShouldBeFalse();
    }

    [Fact]
    public async Task A_killed_PostgreSQL_is_started_again()
    {
        await using LocalDatabase database = await StartAsync(fixture.DataDir);
        int killed = database.ProcessId;

        Kill(killed);

        await UntilAsync(async () => database.ProcessId != killed && (int?)await QueryAsync(database, "SELECT number FROM kept") == 42);
    }

    [Fact]
    public async Task A_PostgreSQL_left_by_a_killed_frontend_is_reused_and_finally_stopped()
    {
        int left = await StartUnwatchedAsync();

        await using (LocalDatabase database = await StartAsync(fixture.DataDir))
        {
            database.ProcessId.ShouldBe(left);
        }

        await UntilAsync(() => Task.FromResult(!IsRunning(left)));
    }

    [Fact]
    public async Task A_stale_pid_file_with_the_id_of_another_process_is_ignored()
    {
        Kill(await StartUnwatchedAsync());
        string file = Path.Combine(fixture.DataDir, "data/postmaster.pid");
        string[] lines = await File.ReadAllLinesAsync(file);
        lines[0] = $"{Environment.ProcessId}";
        await File.WriteAllLinesAsync(file, lines);

        await using LocalDatabase database = await StartAsync(fixture.DataDir);

        (await QueryAsync(database, "SELECT number FROM kept")).ShouldBe(42);
    }

    [Fact]
    public async Task After_a_kill_of_everything_the_next_start_recovers()
    {
        Kill(await StartUnwatchedAsync());

        await using LocalDatabase database = await StartAsync(fixture.DataDir);

        (await QueryAsync(database, "SELECT number FROM kept")).ShouldBe(42);
    }

    /// <summary>Starts PostgreSQL and abandons it, like a frontend that is killed.</summary>
    private async Task<int> StartUnwatchedAsync()
    {
        (DataDirectory? directory, PostgresUser? user) = await new DataDirectory(fixture.DataDir)
            .PrepareAsync(false, CancellationToken.None);
        PostgresBinaries binaries = await PostgresBinaries.FindAsync(
            null, Environment.GetEnvironmentVariable, null, CancellationToken.None);
        Postmaster? postmaster = null;
        while (postmaster is null)
        {
            postmaster = await Postmaster.StartAsync(directory, binaries, user, CancellationToken.None);
        }

        using (postmaster)
        {
            return postmaster.Pid;
        }
    }

    private static void Kill(int pid)
    {
        using Process process = Process.GetProcessById(pid);
        process.Kill();
        process.WaitForExit();
    }

    private static bool IsRunning(int pid) => Directory.Exists($"/proc/{pid}");

    private static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using CancellationTokenSource patience = new(Patience);
        while (true)
        {
            try
            {
                if (await condition())
                {
                    return;
                }
            }
            catch (NpgsqlException)
            {
                // Not back yet.
            }

            await Task.Delay(20, patience.Token);
        }
    }
}
