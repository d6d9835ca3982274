using System.Text.Json;
using Grpc.Core;
using Npgsql;
using PgEtcd.BlackBox.Tests.Maintenance;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing;
using PgEtcd.Testing.Grpc;
using PgEtcd.Testing.Postgres;
using PgEtcd.Testing.Processes;
using Shouldly;
using Xunit;
using static PgEtcd.BlackBox.Tests.Kv;

namespace PgEtcd.BlackBox.Tests.Commands;

/// <summary>pgetcd migrate, and servers with --migrate=never.</summary>
public sealed class MigrateCommandTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    [Fact]
    public async Task A_schema_is_created_and_upgraded_and_a_dry_run_only_reports()
    {
        string database = await postgres.CreateDatabaseAsync();
        Verb pgetcd = new(database);
        (await pgetcd.TextAsync("migrate", "--dry-run")).ShouldMatch(
            "^Schema 'pgetcd' would be made at version \\d+:\n  0001_log.sql\n(  \\d{4}_\\w+.sql\n)+(  functions/\\w+.sql\n)+$");
        (await Sql.ExecuteAsync(database, "select to_regnamespace('pgetcd')::text")).ShouldBe(DBNull.Value);

        JsonElement made = (await pgetcd.JsonAsync("migrate")).ShouldHaveSingleItem();
        made.GetProperty("from").GetInt32().ShouldBe(0);
        int version = made.GetProperty("to").GetInt32();
        made.GetProperty("migrations").EnumerateArray().Last().GetString()!.ShouldStartWith($"{version:0000}_");
        (await pgetcd.TextAsync("migrate")).ShouldBe($"Schema 'pgetcd' is at version {version}: nothing to do.\n");
        (await pgetcd.TextAsync("verify")).ShouldEndWith("All hold.\n");

        await Sql.ExecuteAsync(database, "update pgetcd.migrations set name = 'other' where number = 0");
        (await pgetcd.TextAsync("migrate", "--dry-run")).ShouldMatch(
            $"^Schema 'pgetcd' is at version {version}, its functions would be applied again:\n(  functions/\\w+.sql\n)+$");
        (await pgetcd.RefusalAsync("serve", "--migrate=never")).ShouldContain("has the functions of another pgetcd");
        (await pgetcd.JsonAsync("migrate")).ShouldHaveSingleItem().GetProperty("functions").GetArrayLength().ShouldBeGreaterThan(1);
        (await pgetcd.TextAsync("migrate")).ShouldBe($"Schema 'pgetcd' is at version {version}: nothing to do.\n");

        await Sql.ExecuteAsync(database, "insert into pgetcd.migrations (number, name) values (9999, 'later')");
        (await pgetcd.RefusalAsync("migrate")).ShouldContain("was written by a newer pgetcd (schema version 9999");
        (await pgetcd.RefusalAsync("migrate", "--dry-run")).ShouldContain("was written by a newer pgetcd");
        (await pgetcd.RefusalAsync("serve", "--migrate=never")).ShouldContain("was written by a newer pgetcd");
    }

    [Fact]
    public async Task A_server_that_must_not_migrate_says_what_to_do()
    {
        string database = await postgres.CreateDatabaseAsync();
        Verb pgetcd = new(database);
        (await pgetcd.RefusalAsync("serve", "--migrate=never"))
            .ShouldBe("pgetcd: --schema: there is no store in schema 'pgetcd', and --migrate=never: run pgetcd migrate first.");
        (await pgetcd.RefusalAsync("serve", "--migrate=later")).ShouldBe("--migrate must be auto or never, not \"later\".");
        await pgetcd.TextAsync("migrate");
        await Sql.ExecuteAsync(database, "delete from pgetcd.migrations where number > 4");
        (await pgetcd.RefusalAsync("serve", "--migrate=never")).ShouldMatch(
            @"^pgetcd: --schema: 'pgetcd' is of an older pgetcd \(schema version 4, this binary needs \d+\), "
            + @"and --migrate=never: run pgetcd migrate first\.$");
        CommandResult plan = await pgetcd.RunAsync("migrate", "--dry-run");
        plan.Output.ShouldStartWith("Schema 'pgetcd' would go from version 4 to ");
        plan.Output.ShouldContain("  0005_alarms.sql\n");
        plan.Output.ShouldContain("  functions/append.sql\n");
        plan.Output.ShouldNotContain("0004");
    }

    /// <summary>The role of docs/security.md, also with an archive, users and logins.</summary>
    [Fact]
    public async Task A_role_that_may_not_change_the_schema_serves()
    {
        string database = await postgres.CreateDatabaseAsync();
        await new Verb(database).TextAsync("migrate");
        await Sql.ExecuteAsync(
            database, "drop role if exists verb_frontend; create role verb_frontend login; select pgetcd.grant_server('verb_frontend')");
        string asRole = new NpgsqlConnectionStringBuilder(database) { Username = "verb_frontend" }.ConnectionString;
        await Should.ThrowAsync<PostgresException>(() => Sql.ExecuteAsync(asRole, "create table pgetcd.mine (id integer)"));

        await using PgEtcdServer server = await PgEtcdServer.StartAsync(
            asRole, moreArguments: ["--migrate=never", "--history-retention=24h", "--bcrypt-cost=4"]);
        await using Kv kv = new(server);
        LeaseGrantResponse lease = await kv.Channel.UnaryAsync<LeaseGrantRequest, LeaseGrantResponse>(
            "etcdserverpb.Lease/LeaseGrant", new() { TTL = 60 });
        await kv.SendAsync(Put("a", "1", lease.ID));
        await kv.PutAsync("b", "2");
        await kv.CompactAsync(await kv.PutAsync("b", "3"), physical: true);
        (await kv.AllAsync()).ShouldBe(["a=1", "b=3"]);
        await kv.Channel.UnaryAsync<LeaseRevokeRequest, LeaseRevokeResponse>("etcdserverpb.Lease/LeaseRevoke", new() { ID = lease.ID });
        (await kv.AllAsync()).ShouldBe(["b=3"]);
        await Eventually.TrueAsync(
            async () =>
                (long)(await Sql.ExecuteAsync(database, "select count(*) from pgetcd.revisions_archive"))! > 0, "rows move to the archive");
        await AuthAsync(kv);
        await ServeAsync(kv, asRole, server);
        await Sql.ExecuteAsync(database, "select pgetcd.record_digest(1000)");
        (await new Verb(asRole).TextAsync("verify")).ShouldEndWith("All hold.\n");
        (await new Verb(asRole).RunAsync("restore", "b", "--at", "2")).ExitCode.ShouldNotBe(0); // the role is no SQL writer
        server.Complaints.ShouldBeEmpty();
    }

    /// <summary>Fault B8: a frontend works without any right to write to a table.</summary>
    private static async Task ServeAsync(Kv kv, string asRole, PgEtcdServer server)
    {
        TxnResponse txn = await kv.SendAsync(Txn(Op(Put("t1", "1")), Op(Put("t2", "1")), Op(Delete("b"))));
        txn.Responses.Count.ShouldBe(3);
        long kept = await kv.Channel.GrantAsync(60);
        using (GrpcDuplexCall<LeaseKeepAliveRequest, LeaseKeepAliveResponse> stream = kv.Channel.KeepAlive())
        {
            (await stream.AskAsync(kept)).TTL.ShouldBe(60);
        }

        await kv.SendAsync(Put("brief", "1", await kv.Channel.GrantAsync(2)));
        await Eventually.TrueAsync(async () => (await kv.ReadAsync("brief")).Length == 0, "the lease expires");
        (await kv.AlarmAsync(AlarmRequest.Types.AlarmAction.Activate, AlarmType.Nospace, 1)).Length.ShouldBe(1);
        (await kv.AlarmAsync(AlarmRequest.Types.AlarmAction.Deactivate, AlarmType.Nospace, 1)).Length.ShouldBe(1);
        await kv.DowngradeAsync(DowngradeRequest.Types.DowngradeAction.Enable, "3.5");
        await kv.DowngradeAsync(DowngradeRequest.Types.DowngradeAction.Cancel);

        // A second frontend: appends under the lock, the leadership, and its leaving.
        await using PgEtcdServer other = await PgEtcdServer.StartAsync(asRole, name: "other", moreArguments: ["--migrate=never"]);
        await using Kv there = new(other);
        await Task.WhenAll(Enumerable.Range(0, 200).Select(i => (i % 2 == 0 ? kv : there).PutAsync($"contended{i % 7}", $"{i}")));
        ulong target = (await there.StatusAsync()).Header.MemberId;
        await kv.MoveLeaderAsync(target);
        (await kv.StatusAsync()).Leader.ShouldBe(target);
        await there.CompactAsync(await there.PutAsync("t1", "2"), physical: true);
        other.Complaints.ShouldBeEmpty();
        server.Complaints.ShouldBeEmpty();
    }

    /// <summary>Adds users and roles, logs them in, fails to, and deletes them.</summary>
    private static async Task AuthAsync(Kv kv)
    {
        const string Auth = "etcdserverpb.Auth/";
        await kv.Channel.UnaryAsync<AuthRoleAddRequest, AuthRoleAddResponse>(Auth + "RoleAdd", new() { Name = "r" });
        await kv.Channel.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(Auth + "UserAdd", new() { Name = "u", Password = "p" });
        await kv.Channel.UnaryAsync<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
            Auth + "UserGrantRole", new() { User = "u", Role = "r" });
        await kv.Channel.UnaryAsync<AuthUserAddRequest, AuthUserAddResponse>(Auth + "UserAdd", new() { Name = "root", Password = "p" });
        await kv.Channel.UnaryAsync<AuthUserGrantRoleRequest, AuthUserGrantRoleResponse>(
            Auth + "UserGrantRole", new() { User = "root", Role = "root" });
        await kv.Channel.UnaryAsync<AuthEnableRequest, AuthEnableResponse>(Auth + "AuthEnable", new());
        await Should.ThrowAsync<RpcException>(() => LoginAsync("wrong"));
        Metadata asRoot = new() { { "token", (await LoginAsync("p")).Token } };
        await kv.Channel.UnaryAsync<AuthUserDeleteRequest, AuthUserDeleteResponse>(Auth + "UserDelete", new() { Name = "u" }, asRoot);
        await kv.Channel.UnaryAsync<AuthRoleDeleteRequest, AuthRoleDeleteResponse>(Auth + "RoleDelete", new() { Role = "r" }, asRoot);
        await kv.Channel.UnaryAsync<AuthDisableRequest, AuthDisableResponse>(Auth + "AuthDisable", new(), asRoot);

        Task<AuthenticateResponse> LoginAsync(string password) =>
            kv.Channel.UnaryAsync<AuthenticateRequest, AuthenticateResponse>(
                Auth + "Authenticate", new() { Name = "root", Password = password });
    }
}
