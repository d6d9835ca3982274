using PgEtcd.BlackBox.Tests.Auth;
using PgEtcd.BlackBox.Tests.Etcdctl;
using PgEtcd.BlackBox.Tests.Starting;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Snapshots.SnapshotTools;

namespace PgEtcd.BlackBox.Tests.Snapshots;

/// <summary>pgetcd import and export as commands.</summary>
public sealed class ImportTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_schema_that_is_not_empty_is_refused_and_kept()
    {
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using Kv kv = new(server);
        await kv.PutAsync("a", "1");
        string file = await ExportAsync(database, $"{files.Path}/a.db");

        (await Refusal.OfAsync("import", file, "--database", database))
            .ShouldBe("pgetcd: --schema: 'pgetcd' is not empty: import needs a new schema, or one that was never written to.");
        (await kv.AllAsync()).ShouldBe(["a=1"]);
        await kv.DeleteAsync("a");
        (await Refusal.OfAsync("import", file, "--database", database)).ShouldContain("is not empty");
    }

    [Fact]
    public async Task A_server_running_on_the_empty_schema_serves_imported_data()
    {
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await FillAsync(database, "source", 3_000);
        await ExportAsync(database, $"{files.Path}/a.db", "source");

        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await ImportAsync($"{files.Path}/a.db", database);
        await using Kv kv = new(server);
        (await kv.AllAsync()).Length.ShouldBe(3_000);
        (await kv.PutAsync("next")).ShouldBe(3_002);
        (await kv.AllAsync(100)).Length.ShouldBe(99);
    }

    [Fact]
    public async Task A_killed_import_leaves_nothing()
    {
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        await FillAsync(database, "source", 150_000);
        await ExportAsync(database, $"{files.Path}/a.db", "source");

        await using (ChildProcess import = PgEtcdServer.Launch(["import", $"{files.Path}/a.db", "--database", database]))
        {
            await import.WaitUntilAsync(
                async () => (bool)(
                    await Sql.ExecuteAsync(database, "select exists (select from pg_stat_progress_copy where tuples_processed > 10000)"))!,
                "the import copies");
            import.Signal(UnixSignal.Kill);
            await import.WaitForExitAsync();
        }

        await using (PgEtcdServer server = await PgEtcdServer.StartAsync(database))
        {
            await using Kv kv = new(server);
            (await kv.RevisionAsync()).ShouldBe(1);
        }

        await ImportAsync($"{files.Path}/a.db", database);
        await using PgEtcdServer after = await PgEtcdServer.StartAsync(database);
        await using Kv all = new(after);
        (await all.RevisionAsync()).ShouldBe(150_001);
    }

    [SkippableFact]
    public async Task Users_and_roles_can_be_left_out()
    {
        EtcdctlScript.Require();
        using TempDirectory files = new("snap");
        await using EtcdServer etcd = await EtcdServer.StartAsync();
        string database = await postgres.CreateStoreAsync();
        await using (Kv kv = new(etcd))
        {
            await kv.PutAsync("a", "1");
            await kv.Channel.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(
                "etcdserverpb.Auth/UserAdd", new() { Name = "root", Password = "secret" });
        }

        await ImportAsync(await SaveAsync(etcd, $"{files.Path}/a.db"), database, more: "--without-auth");
        await using PgEtcdServer server = await PgEtcdServer.StartAsync(database);
        await using AuthClient client = AuthClient.To(server);
        (await client.CallAsync("etcdserverpb.Auth/UserList")).ContainsKey("users").ShouldBeFalse();
        await using Kv all = new(server);
        (await all.AllAsync()).ShouldBe(["a=1"]);
    }

    [Fact]
    public async Task Failures_are_one_sentence()
    {
        using TempDirectory files = new("snap");
        string database = await postgres.CreateDatabaseAsync();
        string text = $"{files.Path}/text";
        await File.WriteAllTextAsync(text, "This is no snapshot.");

        (await Refusal.OfAsync("import", "/no/such/file", "--database", database)).ShouldStartWith(
            "pgetcd: /no/such/file cannot be read: ");
        (await Refusal.OfAsync("import", text, "--database", database)).ShouldStartWith($"pgetcd: {text} is damaged: ");
        (await Refusal.OfAsync("import")).ShouldBe("pgetcd import needs FILE: see pgetcd import --help.");
        (await Refusal.OfAsync("import", "--database", database, "--no-such-flag", text)).ShouldContain("--no-such-flag");
        (await Refusal.OfAsync("export", $"{files.Path}/x", "--database", database)).ShouldBe(
            "pgetcd: --schema: there is no store in schema 'pgetcd'.");
        (await Refusal.OfAsync("exprot", $"{files.Path}/x")).ShouldContain("neither a flag nor a command");
        await FillAsync(database, "pgetcd", 10);
        (await Refusal.OfAsync("export", "/no/such/directory/x", "--database", database)).ShouldStartWith(
            "pgetcd: /no/such/directory/x cannot be written: ");
    }

    [Fact]
    public async Task The_help_lists_the_commands_and_each_explains_itself()
    {
        CommandResult all = await PgEtcdAsync("--help");
        all.Output.ShouldContain("import FILE");
        all.Output.ShouldContain("export FILE");
        (await PgEtcdAsync("import", "--help")).Output.ShouldContain("--without-auth");
    }

    [Fact]
    public async Task Two_hundred_thousand_keys_need_little_memory()
    {
        const long megabyte = 1 << 20;
        using TempDirectory files = new("snap");
        string database = await postgres.CreateStoreAsync();
        string file = $"{files.Path}/a.db";
        await FillAsync(database, "source", 200_000, valueLength: 1_000);

        (await PeakMemoryAsync("export", file, "--database", database, "--schema", "source")).ShouldBeLessThan(200 * megabyte);
        new FileInfo(file).Length.ShouldBeGreaterThan(200 * megabyte);
        (await PeakMemoryAsync("import", file, "--database", database)).ShouldBeLessThan(250 * megabyte);
        ((long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions"))!).ShouldBe(200_000);
    }

    /// <summary>A store with one key per revision, made in SQL.</summary>
    private static async Task FillAsync(string database, string schema, int keys, int valueLength = 20)
    {
        await using (await PgEtcdServer.StartAsync(database, schema))
        {
        }

        await Sql.ExecuteAsync(database, $"""
            insert into {schema}.revisions (revision, sub, key, value, create_revision, version, lease, committed_at, frontend)
            select n + 1, 0, convert_to('key' || n, 'utf8'), convert_to(rpad(n::text, {valueLength}, 'v'), 'utf8'),
                n + 1, 1, 0, now(), 'test'
            from generate_series(1, {keys}) n
            """);
    }

    /// <summary>Runs pgetcd to its end.</summary>
    /// <returns>Its peak memory, bytes.</returns>
    private static async Task<long> PeakMemoryAsync(params string[] arguments)
    {
        await using ChildProcess process = PgEtcdServer.Launch(arguments);
        long peak = 0;
        while (!process.HasExited)
        {
            string? line = ReadStatus(process.Pid).FirstOrDefault(one => one.StartsWith("VmHWM:", StringComparison.Ordinal));
            peak = line is null ? peak : long.Parse(line["VmHWM:".Length..^"kB".Length].Trim(), null) * 1024;
            await Task.Delay(20);
        }

        (await process.WaitForExitAsync()).ShouldBe(0, process.Output);
        return peak;
    }

    private static string[] ReadStatus(int pid)
    {
        try
        {
            return File.ReadAllLines($"/proc/{pid}/status");
        }
        catch (IOException)
        {
            return []; // it has just ended
        }
    }
}
