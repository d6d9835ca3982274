using Dapper;
using Npgsql;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The rights of roles: an auditor reads and changes nothing, a writer changes keys and reads nothing.
/// <see cref="ServerRoleTests"/> has the server's role.</summary>
public sealed class RoleTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private static readonly string[] Reads =
    [
        "history", "current_state", "status", "active_leases", "lease_keys", "active_members", "compactions",
        "auth_status", "auth_accounts", "auth_grants", "auth_changes",
        "state_at(2)", "prefix_at(2, 'a')", "key_at(2, 'a')", "get('a')", "get_prefix('a')", "diff(2, 3)", "diff(2, 3, 'a')",
        "state_at(clock_timestamp())", "prefix_at(clock_timestamp(), 'a')", "key_at(clock_timestamp(), 'a')",
        "diff(clock_timestamp(), clock_timestamp())", "key_history('a')", "prefix_history('a')", "changes_by('postgres')",
        "plan_restore_key('a', 2)", "plan_restore_prefix('a', 2)",
    ];

    // Roles belong to the server, not to the database, and the tests share a server.
    private readonly string _auditor = $"auditor_{Guid.NewGuid():N}";
    private readonly string _writer = $"writer_{Guid.NewGuid():N}";
    private LogFixture _log = null!;
    private NpgsqlConnection _connection = null!;

    public async Task InitializeAsync()
    {
        _log = await LogFixture.CreateAsync(postgres, "Some-schema");
        _connection = await _log.Database.OpenAsync(CancellationToken.None);
        await RunAsync($"create role {_auditor}; create role {_writer}");
        await RunAsync($"select pgetcd.grant_auditor('{_auditor}'), pgetcd.grant_writer('{_writer}')");
        await RunAsync("select pgetcd.put('a', '1'), pgetcd.put('a', '2')");
    }

    [Fact]
    public async Task An_auditor_reads_every_view_and_changes_nothing()
    {
        await RunAsync($"set role {_auditor}");
        foreach (string read in Reads)
        {
            await RunAsync($"select * from pgetcd.{read}");
        }

        foreach (string change in new[]
        {
            "put('a', 'x')", "put('a'::bytea, 'x'::bytea)", "delete('a')", "delete_prefix('a')", "compare_and_put('a', 0, 'x')",
            "compact(2)", "compact(2, gen_random_uuid(), null, null, null)", "remove_superseded(1, '0', false)", "keep_archive('0')",
            "change_key('a', 'x', 0, null)", "change_prefix('a')",
            "restore_key('a', 2)", "restore_prefix('a', 2)", "restore_range('a', null, 2, null, 'x')",
            "append(3, -1, 1, 'x', '{0}', array['a']::bytea[], array['x']::bytea[], '{4}', '{1}', '{0}', '{}', '{}', '{}', '{}')",
        })
        {
            await DeniedAsync($"select * from pgetcd.{change}");
        }

        await DeniedAsync("select nextval('pgetcd.revision_seq')");
        await DeniedAsync("delete from pgetcd.active_leases");
        await DeniedAsync("update pgetcd.compactions set username = 'x'");
        await DeniedAsync("create table pgetcd.mine (i integer)");
        foreach (string table in await TablesAsync())
        {
            await DeniedAsync($"select * from {table}");
        }

        foreach (string table in await TablesAsync("rp"))
        {
            await DeniedAsync($"delete from {table}");
        }
    }

    [Fact]
    public async Task A_writer_changes_keys_under_its_own_name_and_reads_nothing()
    {
        await RunAsync($"set role {_writer}");
        foreach (string change in (string[])
            [
                "put('b', 'x')", "put('b'::bytea, 'x'::bytea)", "compare_and_put('c', 0, 'x')", "delete('b')", "delete_prefix('c')",
                "restore_key('a', 2)", "restore_prefix('', 3)",
            ])
        {
            (await _connection.ExecuteScalarAsync<long?>(_log.Database.Schema.Apply($"select pgetcd.{change}"))).ShouldNotBeNull();
        }

        foreach (string read in Reads.Where(read => !read.StartsWith("diff(clock", StringComparison.Ordinal)))
        {
            await DeniedAsync($"select * from pgetcd.{read}");
        }

        foreach (string table in await TablesAsync())
        {
            await DeniedAsync($"select * from {table}");
        }

        await RunAsync("reset role");
        // The user that logged in, whatever role it has set since.
        (await _log.QueryAsync<string>("select distinct username from pgetcd.history")).ShouldBe(["postgres"]);
    }

    [Fact]
    public async Task Other_roles_may_do_nothing_even_with_usage_of_the_schema()
    {
        string stranger = $"stranger_{Guid.NewGuid():N}";
        await RunAsync($"create role {stranger}");
        await RunAsync($"set role {stranger}");
        await DeniedAsync("select pgetcd.put('a', 'x')");
        await RunAsync("reset role");
        await RunAsync($"grant usage on schema {_log.Database.Schema.Quoted} to {stranger}");
        // Functions with their owner's rights must be granted by name, including those of later migrations.
        (await _log.QueryAsync<string>("""
            select p.oid::regprocedure::text from pg_proc p
            where p.pronamespace = 'pgetcd'::regnamespace and p.prosecdef and has_function_privilege('public', p.oid, 'execute')
            """.Replace("'pgetcd'::regnamespace", "(select oid from pg_namespace where nspname = 'pgetcd')", StringComparison.Ordinal)))
            .ShouldBeEmpty();
        await RunAsync($"set role {stranger}");
        foreach (string read in Reads)
        {
            await DeniedAsync($"select * from pgetcd.{read}");
        }

        await RunAsync($"reset role; drop owned by {stranger}; drop role {stranger}");
    }

    public async Task DisposeAsync()
    {
        await RunAsync($"reset role; drop owned by {_auditor}, {_writer}; drop role {_auditor}, {_writer}");
        await _connection.DisposeAsync();
        await _log.DisposeAsync();
    }

    private Task<int> RunAsync(string sql) => _connection.ExecuteAsync(_log.Database.Schema.Apply(sql));

    private async Task DeniedAsync(string sql) =>
        (await Should.ThrowAsync<PostgresException>(() => RunAsync(sql), sql)).SqlState.ShouldBe(
            PostgresErrorCodes.InsufficientPrivilege, sql);

    /// <summary>The tables, and the views that are not for every role.</summary>
    private async Task<List<string>> TablesAsync(string kinds = "rpv")
    {
        List<string> tables = await _log.QueryAsync<string>($"""
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'pgetcd' and strpos('{kinds}', c.relkind::text) > 0
                and c.relname not in ('history', 'current_state', 'status', 'active_leases', 'lease_keys', 'active_members', 'compactions')
                and c.relname not in ('auth_status', 'auth_accounts', 'auth_grants', 'auth_changes')
            """);
        tables.Count.ShouldBeGreaterThan(5);
        return tables;
    }
}
