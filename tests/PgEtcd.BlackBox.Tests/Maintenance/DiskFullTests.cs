using PgEtcd.BlackBox.Tests.Http;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;
using static PgEtcd.Protocol.Etcdserverpb.AlarmRequest.Types;

namespace PgEtcd.BlackBox.Tests.Maintenance;

/// <summary>PostgreSQL's disk is full: the store's tables are in a small file system in memory (fault C19).</summary>
public sealed class DiskFullTests
{

    [SkippableFact]
    public async Task A_full_disk_raises_NOSPACE_here_at_once_and_everywhere_once_the_alarm_can_be_stored()
    {
        using TempDirectory mount = new("small");
        await MountAsync(mount.Path);
        try
        {
            await using PostgresServer postgres = await PostgresServer.StartAsync();
            await using PgEtcdServer server = await PgEtcdServer.StartAsync(postgres.ConnectionString(), name: "here");
            await using PgEtcdServer another = await PgEtcdServer.StartAsync(postgres.ConnectionString(), name: "there");
            server.Expect("PostgreSQL's disk is full: the alarm NOSPACE is raised");
            await using Kv kv = new(server);
            await using Kv there = new(another);
            using HttpProbe http = new(server.ClientUrl);
            await MoveAsync(postgres, mount.Path);
            await kv.PutAsync("before", "1");
            string filler = Path.Combine(mount.Path, "filler");
            await Command.RunAsync("/bin/dd", ["if=/dev/zero", $"of={filler}", "bs=4096"]); // until the disk is full

            string large = new('x', 1_000_000);
            await RefusedAsync(() => kv.PutAsync("large", large), EtcdErrors.NoSpace);
            (await http.GetAsync("/health")).Text.ShouldContain("ALARM NOSPACE", Case.Sensitive, "at once");
            ulong self = (await kv.StatusAsync()).Header.MemberId;
            AlarmMember alarm = new() { MemberID = self, Alarm = AlarmType.Nospace };
            (await kv.AlarmAsync(AlarmAction.Get)).ShouldBe([alarm]);
            (await kv.StatusAsync()).Errors.ShouldBe([$"memberID:{self} alarm:NOSPACE "]);
            (await there.AlarmAsync(AlarmAction.Get)).ShouldBeEmpty("there is no room for the alarm");
            await RefusedAsync(() => kv.PutAsync("small"), EtcdErrors.NoSpace);
            await RefusedAsync(() => kv.Channel.GrantAsync(60), EtcdErrors.NoSpace);
            (await kv.ReadAsync("before")).ShouldBe(["before=1"]);

            await kv.DisarmAsync();
            (await kv.AlarmAsync(AlarmAction.Get)).ShouldBeEmpty();
            (await http.GetAsync("/health")).Status.ShouldBe(200);
            await RefusedAsync(() => kv.PutAsync("large", large), EtcdErrors.NoSpace); // and again

            File.Delete(filler);
            await Eventually.TrueAsync(async () => (await there.AlarmAsync(AlarmAction.Get)).Length == 1, "the alarm is stored");
            await RefusedAsync(() => there.PutAsync("large", large), EtcdErrors.NoSpace);
            (await http.GetAsync("/health")).Status.ShouldBe(503, "until it is disarmed");
            await there.DisarmAsync();
            await there.PutAsync("large", large);
            await kv.PutAsync("large", large);
            await Eventually.TrueAsync(async () => (await http.GetAsync("/health")).Status == 200, "all is well");
        }
        finally
        {
            await Command.RunAsync("/bin/umount", ["--lazy", mount.Path]);
        }
    }

    private static async Task MountAsync(string path)
    {
        CommandResult mounted = await Command.RunAsync("/bin/mount", ["-t", "tmpfs", "-o", "size=16m", "tmpfs", path]);
        Skip.If(mounted.ExitCode != 0, $"No file system can be mounted here: {mounted.Error}");
    }

    /// <summary>Moves the log and the alarms to the small file system.</summary>
    private static async Task MoveAsync(PostgresServer postgres, string path)
    {
        string directory = Path.Combine(path, "tables");
        Directory.CreateDirectory(directory);
        await Command.CheckAsync("/bin/chown", "postgres", directory);
        await Sql.ExecuteAsync(postgres.ConnectionString(), $"create tablespace small location '{directory}'");
        await Sql.ExecuteAsync(
            postgres.ConnectionString(),
            "alter table pgetcd.revisions set tablespace small; alter table pgetcd.alarms set tablespace small");
    }
}
