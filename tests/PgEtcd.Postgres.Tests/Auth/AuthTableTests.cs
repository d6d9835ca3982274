using Npgsql;
using PgEtcd.Postgres.Auth;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Auth;

/// <summary>Users, roles, permissions and tokens in SQL.</summary>
public sealed class AuthTableTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>
{
    private static readonly byte[] Hash = [1, 2, 3];

    [Fact]
    public async Task Changes_are_loaded_again_and_each_raises_the_revision()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        byte[] longKey = new byte[100_000];

        await ChangeAsync(table, AuthEdit.AddUser("joe", Hash, hasNoPassword: false));
        await ChangeAsync(table, AuthEdit.AddRole("reader"));
        await ChangeAsync(table, AuthEdit.GrantPermission("reader", new PermissionRecord(0, longKey, [0])));
        await ChangeAsync(table, AuthEdit.GrantPermission("reader", new PermissionRecord(7, [5], [])));
        await ChangeAsync(table, AuthEdit.GrantPermission("reader", new PermissionRecord(2, longKey, [0])));
        await ChangeAsync(table, AuthEdit.GrantRole("joe", "reader"));
        await ChangeAsync(table, AuthEdit.GrantRole("joe", "root"));
        await ChangeAsync(table, AuthEdit.Enable());

        AuthRecords records = await table.LoadAsync(CancellationToken.None);
        (records.Revision, records.ShownRevision, records.IsEnabled).ShouldBe((9, 8, true));
        UserRecord joe = records.Users.ShouldHaveSingleItem();
        (joe.Name, joe.HasNoPassword, joe.TokensSince).ShouldBe(("joe", false, 2));
        joe.Password.ShouldBe(Hash);
        joe.Roles.ShouldBe(["reader", "root"], ignoreOrder: true);
        RoleRecord reader = records.Roles.ShouldHaveSingleItem();
        reader.Permissions.Select(permission => (permission.Kind, permission.Key.Length)).ShouldBe([(2, 100_000), (7, 1)]);

        await ChangeAsync(table, AuthEdit.DeleteRole("reader"));
        await ChangeAsync(table, AuthEdit.Disable());
        records = await table.LoadAsync(CancellationToken.None);
        records.Roles.ShouldBeEmpty();
        records.Users.Single().Roles.ShouldBe(["root"]);
        (records.IsEnabled, records.TokensSince).ShouldBe((false, 11));
        (await fixture.QueryAsync<string>("select action from pgetcd.auth_audit")).Count.ShouldBe(10);
    }

    [Fact]
    public async Task A_change_decided_on_an_older_state_is_not_made()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        AuthChange first = new(1, AuthEdit.AddUser("a", Hash, hasNoPassword: false)) { Frontend = "here" };
        AuthChange second = new(1, AuthEdit.AddUser("b", Hash, hasNoPassword: false)) { Frontend = "there" };

        (await table.ChangeAsync(first, CancellationToken.None)).ShouldBeTrue();
        (await table.ChangeAsync(second, CancellationToken.None)).ShouldBeFalse();

        (await table.LoadAsync(CancellationToken.None)).Users.Select(user => user.Name).ShouldBe(["a"]);
        (await fixture.QueryAsync<string>("select subject from pgetcd.auth_audit")).ShouldBe(["user a"]);
    }

    [Fact]
    public async Task A_change_repeated_after_a_broken_connection_is_made_once()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        AuthChange change = new(1, AuthEdit.AddUser("a", Hash, hasNoPassword: false)) { Frontend = "here" };

        (await table.ChangeAsync(change, CancellationToken.None)).ShouldBeTrue();
        (await table.ChangeAsync(change, CancellationToken.None)).ShouldBeTrue();

        (await table.LoadAsync(CancellationToken.None)).Revision.ShouldBe(2);
    }

    [Fact]
    public async Task Invariant3_append_is_conditional_on_the_auth_revision()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await ChangeAsync(new AuthTable(fixture.Database), AuthEdit.Enable());

        AppendResult late = await fixture.AppendAsync(LogFixture.Puts(1, "a=1"));

        late.Outcome.ShouldBe(AppendOutcome.Conflict);
        late.Position.AuthRevision.ShouldBe(2);
    }

    [Fact]
    public async Task A_token_is_stored_only_at_the_revision_of_the_password_check_and_ends_with_the_password()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        TokenTable tokens = new(fixture.Database);
        await ChangeAsync(table, AuthEdit.AddUser("joe", Hash, hasNoPassword: false));
        byte[] token = [7];

        (await tokens.AddAsync(1, token, "joe", TimeSpan.FromMinutes(1), CancellationToken.None)).ShouldBeFalse();
        (await tokens.AddAsync(2, token, "joe", TimeSpan.FromMinutes(1), CancellationToken.None)).ShouldBeTrue();
        TokenRecord found = (await tokens.FindAsync([token, [8]], CancellationToken.None)).ShouldHaveSingleItem();
        (found.Username, found.MadeAt).ShouldBe(("joe", 2));
        found.Left.ShouldBeInRange(TimeSpan.FromSeconds(50), TimeSpan.FromSeconds(60));
        (await tokens.RenewAsync([token, [8]], [100, 100], CancellationToken.None)).ShouldBe([token]);
        (await tokens.FindAsync([token], CancellationToken.None)).Single().Left.ShouldBeGreaterThan(TimeSpan.FromSeconds(90));

        await ChangeAsync(table, AuthEdit.SetPassword("joe", [4]));
        (await tokens.FindAsync([token], CancellationToken.None)).ShouldBeEmpty();
        (await table.LoadAsync(CancellationToken.None)).Users.Single().TokensSince.ShouldBe(3);
    }

    [Fact]
    public async Task Expired_tokens_are_not_found_and_are_deleted_with_the_next_login()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        TokenTable tokens = new(fixture.Database);
        await tokens.AddAsync(1, [1], "joe", TimeSpan.FromSeconds(-1), CancellationToken.None);
        (await tokens.FindAsync([[1]], CancellationToken.None)).ShouldBeEmpty();

        await tokens.AddAsync(1, [2], "joe", TimeSpan.FromMinutes(1), CancellationToken.None);
        (await fixture.QueryAsync<int>("select count(*)::int from pgetcd.auth_tokens")).ShouldBe([1]);
    }

    [Fact]
    public async Task The_last_ten_thousand_failed_logins_are_kept_and_all_changes()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        await ChangeAsync(new AuthTable(fixture.Database), AuthEdit.AddRole("r"));
        TokenTable tokens = new(fixture.Database);
        for (int i = 0; i < 11; i++)
        {
            await tokens.NoteFailuresAsync(
                [.. Enumerable.Range(0, 1000).Select(n => new FailedLogin($"user{n}", "ipv4:10.0.0.1:7", DateTimeOffset.UtcNow))], "here",
                CancellationToken.None);
        }

        (await fixture.QueryAsync<int>("select count(*)::int from pgetcd.auth_audit group by action order by 1")).ShouldBe([1, 10_000]);
    }

    [Fact]
    public async Task Changes_lost_in_a_failover_are_noticed_and_the_revision_goes_beyond_what_was_seen()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        await using NpgsqlConnection connection = await fixture.Database.OpenAsync(CancellationToken.None);

        (await table.EnsureRevisionAsync(connection, 1)).ShouldBeTrue();
        (await table.EnsureRevisionAsync(connection, 5)).ShouldBeFalse();

        AuthRecords records = await table.LoadAsync(CancellationToken.None);
        (records.Revision, records.TokensSince).ShouldBe((6, 6));
        records.ShownRevision.ShouldBeGreaterThan(1000);
        (await table.EnsureRevisionAsync(connection, 5)).ShouldBeTrue();
    }

    [Fact]
    public async Task Users_and_roles_of_a_snapshot_replace_existing_ones()
    {
        await using LogFixture fixture = await LogFixture.CreateAsync(postgres);
        AuthTable table = new(fixture.Database);
        await ChangeAsync(table, AuthEdit.AddUser("old", Hash, hasNoPassword: false));
        AuthRecords snapshot = new()
        {
            ShownRevision = 40,
            IsEnabled = true,
            Users = [new UserRecord("root", Hash, HasNoPassword: false, ["root"]), new UserRecord("cn", [], HasNoPassword: true, ["r"])],
            Roles = [new RoleRecord("r", [new PermissionRecord(2, [1], [2]), new PermissionRecord(0, [3], [])])],
        };

        await using (NpgsqlConnection connection = await fixture.Database.OpenAsync(CancellationToken.None))
        await using (NpgsqlTransaction transaction = await connection.BeginTransactionAsync())
        {
            await AuthImport.ReplaceAsync(transaction, fixture.Database.Schema, snapshot, CancellationToken.None);
            await transaction.CommitAsync();
        }

        AuthRecords records = await table.LoadAsync(CancellationToken.None);
        (records.ShownRevision, records.IsEnabled).ShouldBe((40, true));
        records.Users.OrderBy(user => user.Name).Select(user => (user.Name, user.HasNoPassword, string.Join(',', user.Roles)))
            .ShouldBe([("cn", true, "r"), ("root", false, "root")]);
        records.Roles.Single().Permissions.Select(permission => permission.Kind).ShouldBe([2, 0]);
    }

    private static async Task ChangeAsync(AuthTable table, AuthEdit edit)
    {
        long revision = (await table.LoadAsync(CancellationToken.None)).Revision;
        (await table.ChangeAsync(new AuthChange(revision, edit) { Frontend = "here" }, CancellationToken.None)).ShouldBeTrue();
    }
}
