using System.Globalization;
using Dapper;
using Npgsql;
using PgEtcd.Postgres.Tests.Verification;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The role of a frontend with <c>--migrate=never</c> makes changes only through functions, and these protect the log whatever
/// their arguments (fault B8: the role could insert rows at past revisions, move the sequence, compact and change users unnoticed).
/// MigrateCommandTests show over the wire that it can serve.</summary>
public sealed class ServerRoleTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    /// <summary>The functions with owner rights that a server may call.</summary>
    private static readonly string[] Granted =
    [
        "add_auth_token", "append", "append_one", "beat", "change_auth", "compact", "ensure_auth_revision", "ensure_history",
        "grant_leases", "hand_over", "keep_alive", "keep_archive", "keep_compaction_hash", "leave", "lock_and_tail",
        "note_failed_logins", "observe_term", "record_digest", "remove_dead",
        "remove_superseded", "renew_auth_tokens", "renew_leases", "set_alarm", "set_downgrade",
    ];

    private readonly string _server = $"server_{Guid.NewGuid():N}";
    private LogFixture _log = null!;
    private NpgsqlConnection _connection = null!;

    public async Task InitializeAsync()
    {
        _log = await LogFixture.CreateAsync(postgres, "Some-schema");
        await RunAsOwnerAsync("select pgetcd.put('a', '1'), pgetcd.put('a', '2'), pgetcd.put('b', '1'), pgetcd.delete('b')");
        await RunAsOwnerAsync("insert into pgetcd.leases values (7, 60, now() + interval '1 hour', gen_random_uuid())");
        await RunAsOwnerAsync("select pgetcd.keep_archive('30 days'), pgetcd.record_digest(100)");
        await RunAsOwnerAsync($"create role {_server} login; select pgetcd.grant_server('{_server}')");
        _connection = await OpenAsync();
    }

    [Fact]
    public async Task It_writes_to_no_table_and_no_sequence()
    {
        List<(string Name, string Columns)> tables = await _log.QueryAsync<(string, string)>("""
            select format('%I.%I', n.nspname, c.relname), coalesce((select string_agg(quote_ident(a.attname), ', ')
                from pg_attribute a where a.attrelid = c.oid and a.attnum > 0 and a.attgenerated = '' and a.attidentity = ''), '')
            from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = 'pgetcd' and c.relkind in ('r', 'p')
            """);
        tables.Count.ShouldBeGreaterThan(15);
        foreach ((string name, string columns) in tables)
        {
            await RunAsync($"select * from {name}");
            await DeniedAsync($"insert into {name} default values");
            await DeniedAsync(
                $"delete from {name}", $"truncate {name}", $"drop table {name}", $"alter table {name} add mine integer",
                $"create index on {name} ((1))",
                $"create trigger mine before insert on {name} for each row execute function tsvector_update_trigger()");
            await DeniedAsync($"select * from {name} for update", $"select * from {name} for share");
            await DeniedAsync($"copy {name} from program 'true'", $"copy {name} from stdin");
            if (columns.Length > 0)
            {
                string column = columns.Split(',')[0];
                await DeniedAsync($"update {name} set {column} = {column}");
            }

            foreach (string mode in (string[])[
                "row exclusive", "share update exclusive", "share", "share row exclusive", "exclusive", "access exclusive"])
            {
                await DeniedAsync($"begin; lock table {name} in {mode} mode");
            }
        }

        (await _log.QueryAsync<string>($"""
            select c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'pgetcd' and c.relkind = 'v' and has_table_privilege('{_server}', c.oid, 'insert, update, delete, truncate')
            """)).ShouldBeEmpty();
        foreach (string sequence in await _log.QueryAsync<string>("""
            select format('%I.%I', n.nspname, c.relname) from pg_class c join pg_namespace n on n.oid = c.relnamespace
            where n.nspname = 'pgetcd' and c.relkind = 'S'
            """))
        {
            await RunAsync($"select last_value from {sequence}");
            await DeniedAsync($"select nextval('{sequence}')", $"select setval('{sequence}', 1)", $"alter sequence {sequence} restart");
        }

        await DeniedAsync(
            "create table pgetcd.mine (i integer)", "create or replace function pgetcd.lock_log() returns void language sql as 'select'",
            "select pgetcd.lock_log()", "select pgetcd.put('a', 'x')", "select pgetcd.delete('a')", "select pgetcd.restore_key('a', 2)",
            "select pgetcd.edit_auth('AuthEnable', null, null, null, false, 0, '', '')",
            "select pgetcd.enter_log(true)", "select pgetcd.change_key('a', 'x', 0, null)");
        await UnchangedAsync();
    }

    [Fact]
    public async Task Write_rights_from_an_earlier_version_are_revoked_by_a_new_grant()
    {
        await RunAsOwnerAsync($"""
            grant insert on pgetcd.revisions to {_server};
            grant all on pgetcd.cluster to {_server};
            grant usage, update on sequence pgetcd.revision_seq to {_server}
            """);
        await RunAsOwnerAsync($"select pgetcd.grant_server('{_server}'), pgetcd.grant_server('postgres')");
        await DeniedAsync(
            "insert into pgetcd.revisions default values", "update pgetcd.cluster set one = one", "select nextval('pgetcd.revision_seq')");
        await RunAsOwnerAsync("select pgetcd.put('still', 'the owner')");
    }

    [Fact]
    public async Task Functions_with_owner_rights_are_not_public_and_call_no_foreign_functions()
    {
        List<(string Name, bool IsServers, bool IsEverybodys, bool IsPinned)> functions = await _log
            .QueryAsync<(string, bool, bool, bool)>($"""
            select p.proname, has_function_privilege('{_server}', p.oid, 'execute'), has_function_privilege('public', p.oid, 'execute'),
                'search_path=pg_catalog, pg_temp' = any (p.proconfig)
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace where n.nspname = 'pgetcd' and p.prosecdef
            """);
        functions.Where(function => function.IsEverybodys || !function.IsPinned).ShouldBeEmpty();
        functions.Where(function => function.IsServers).Select(function => function.Name).Order(StringComparer.Ordinal).ShouldBe(Granted);
    }

    /// <summary>Calls every permitted function with nulls, extremes and nonsense: existing rows stay unchanged, and new ones continue in
    /// order.</summary>
    [Fact]
    public async Task No_argument_breaks_the_log()
    {
        List<(string Name, string Types)> functions = await _log.QueryAsync<(string, string)>($"""
            select format('%I.%I', n.nspname, p.proname),
                coalesce((
                    select string_agg(t.type::regtype::text, ';' order by t.place)
                    from unnest(p.proargtypes) with ordinality t (type, place)), '')
            from pg_proc p join pg_namespace n on n.oid = p.pronamespace
            where n.nspname = 'pgetcd' and p.prokind = 'f' and p.prorettype <> 'trigger'::regtype
                and has_function_privilege('{_server}', p.oid, 'execute')
            order by 1, 2
            """);
        functions.Count.ShouldBeGreaterThan(60);
        await RunAsOwnerAsync("create table public.before as select * from pgetcd.revisions");
        Random random = new(8);
        await RunAsync("set statement_timeout = '5s'");
        foreach ((string name, string types) in functions)
        {
            string[] arguments = types.Split(';', StringSplitOptions.RemoveEmptyEntries);
            for (int i = 0; i < (arguments.Length == 0 ? 1 : 12); i++)
            {
                string given = string.Join(", ", arguments.Select(type => i == 0 ? $"null::{type}" : Hostile(type, random)));
                string call = $"select * from {name}({given})";
                _ = await Record.ExceptionAsync(() => RunAsync(call));
                await RunAsync("rollback");
            }
        }

        // Compaction may have removed rows. The others are unchanged and in order; the content of a row comes from the
        // server.
        (await _log.QueryAsync<long>("""
            select count(*) from (select * from pgetcd.revisions where revision <= 5 except select * from public.before) other
            """)).ShouldBe([0]);
        string[] order = ["cluster", "sequence", "revisions", "subs", "together", "digest", "times", "archive"];
        (await Verified.OfAsync(_log.Database)).Where(finding => order.Contains(finding.Split(':')[0])).ShouldBeEmpty();
    }

    public static TheoryData<string, string[]> Appends => new()
    {
        // A revision drawn before, by this session or another.
        { "array[1]", [] },
        { "array[5]", [] },
        { "array[-1]", [] },
        { "array[null]::integer[]", [] },
        { "array[0,2]", [] },
        { "array[0,1,1]", [] },
        { "array[0,1,0,-1]", [] },
        { "'[0:1]={0,1}'::integer[]", [] },
        { "'[2:3]={0,1}'::integer[]", [] },
        { "'{{0,1}}'::integer[]", [] },
        { "array[0,1,0]", ["7/0", "7/1", "8/0"] },
        { "array[0,0]", ["7/0", "8/0"] },
    };

    [Theory]
    [MemberData(nameof(Appends))]
    public async Task Rows_go_to_new_revisions_and_are_numbered_from_0(string subs, string[] appended)
    {
        // This session has drawn revision 6 itself.
        await RunAsync(Append("array[0]", expected: "5"));
        string[] before = await LogAsync();
        before[^1].ShouldBe("6/0");
        Exception? refused = await Record.ExceptionAsync(() => RunAsync(Append(subs, expected: "6")));
        (refused is null).ShouldBe(appended.Length > 0, refused?.Message);
        (await LogAsync()).ShouldBe([.. before, .. appended]);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("4")]
    [InlineData("1")]
    [InlineData("5")]
    [InlineData("7")]
    [InlineData("-1")]
    [InlineData("9223372036854775807")]
    public async Task Rows_are_appended_only_at_the_end_of_the_log(string expected)
    {
        await RunAsync(Append("array[0]", expected: "5"));
        _ = await Record.ExceptionAsync(() => RunAsync(Append("array[0]", expected))); // a conflict, or out of range
        await RunAsync($"select pgetcd.append_one({expected}, -1, 1, 0::smallint, 'f', 'x', 'v', 6, 1, 0, null, null)");
        (await LogAsync())[^1].ShouldBe("6/0");
    }

    /// <summary>The snapshot may be older than a compaction that removed the rows with which an append would collide.</summary>
    [Theory]
    [InlineData("select * from pgetcd.append_one(5, -1, 1, 0::smallint, 'f', 'x', 'v', 6, 1, 0, null, null)")]
    [InlineData("select * from pgetcd.lock_and_tail(1)")]
    [InlineData("select * from pgetcd.compact(3)")]
    [InlineData("select * from pgetcd.set_alarm(1, 1, true)")]
    [InlineData("select * from pgetcd.ensure_history(99, 0, null, null, -1)")]
    public async Task Functions_refuse_to_work_in_an_old_snapshot(string call)
    {
        foreach (string isolation in (string[])["repeatable read", "serializable"])
        {
            await RunAsync($"begin isolation level {isolation}; select 1");
            PostgresException refused = await Should.ThrowAsync<PostgresException>(() => RunAsync(call));
            refused.SqlState.ShouldBe("25000");
            await RunAsync("rollback");
        }

        await UnchangedAsync();
    }

    [Fact]
    public async Task It_compacts_by_the_rules_and_each_compaction_is_recorded()
    {
        (await OutcomeAsync(6)).ShouldBe("future");
        (await OutcomeAsync(3)).ShouldBe("compacted");
        (await OutcomeAsync(2)).ShouldBe("already");
        (await OutcomeAsync(-7)).ShouldBe("already");
        // A mark lost in a failover is set again, but not beyond the log.
        await RunAsync("select pgetcd.ensure_history(5, 0, null, null, 1000)");
        (await _log.QueryAsync<long>("select compact_revision from pgetcd.cluster")).ShouldBe([5]);
        foreach (string seen in (string[])["9223372036854775807, 0, null, null, -1", "5, 0, null, null, 9223372036854775807"])
        {
            (await Should.ThrowAsync<PostgresException>(() => RunAsync($"select pgetcd.ensure_history({seen})")))
                .MessageText.ShouldMatch("^revision [0-9]+ is out of range$");
        }

        await Should.ThrowAsync<PostgresException>(() => RunAsync("select pgetcd.ensure_auth_revision(9223372036854775807)"));
        (await _log.QueryAsync<string>("select compact_revision || ' ' || username from pgetcd.compactions order by compact_revision"))
            .ShouldBe(["3 alice", "5 " + _server]);
        (await _log.QueryAsync<long>("select revision from pgetcd.status")).ShouldBe([5]);
        (await Verified.OfAsync(_log.Database)).ShouldBeEmpty();

        async Task<string?> OutcomeAsync(long revision) => await _connection.ExecuteScalarAsync<string>(
            _log.Database.Schema.Apply($"select outcome from pgetcd.compact({revision}, gen_random_uuid(), 'alice', null, 'f')"));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Removal_takes_only_superseded_rows_and_subtracts_them_from_the_digest(bool toArchive)
    {
        await RunAsOwnerAsync("update pgetcd.revisions set committed_at = committed_at - interval '1 hour'");
        await RunAsOwnerAsync("update pgetcd.log_digest set revision = 0, rows = 0, digest = 0");
        await RunAsync("select pgetcd.record_digest(1)");
        await RunAsync("select pgetcd.record_digest(100)");
        await RunAsync($"select * from pgetcd.remove_superseded(null, '-1 year', {toArchive})");
        (await LogAsync()).ShouldBe(["2/0", "3/0", "4/0", "5/0"]);
        await RunAsync("select * from pgetcd.compact(5)");
        await RunAsync($"select * from pgetcd.remove_superseded(100, '0', {toArchive})");
        (await LogAsync()).Length.ShouldBe(4); // its hash is missing
        await RunAsync("select pgetcd.keep_compaction_hash(5, 1), pgetcd.keep_compaction_hash(5, 2)");
        (await _log.QueryAsync<long>("select hash from pgetcd.compaction_hashes")).ShouldBe([1]);
        await RunAsync($"select * from pgetcd.remove_superseded(100, '0', {toArchive})");
        (await LogAsync()).ShouldBe(["3/0", "5/0"]);
        (await _log.QueryAsync<long>("select rows from pgetcd.log_digest")).ShouldBe([2]);
        (await _log.QueryAsync<long>("select coalesce(sum(rows), 0)::bigint from pgetcd.archive_days")).ShouldBe([toArchive ? 2 : 0]);
        (await Verified.OfAsync(_log.Database)).ShouldBeEmpty();
    }

    [Fact]
    public async Task Users_change_only_together_with_the_audit()
    {
        await RunAsync(Change("RoleAdd", 1, role: "r"));
        await RunAsync(Change("RoleGrantPermission", 2, role: "r", kind: 2, key: "'\\x6100'::bytea", end: "'\\x00'::bytea"));
        await RunAsync(Change("UserAdd", 3, user: "u"));
        await RunAsync(Change("UserGrantRole", 4, user: "u", role: "r"));
        (await Should.ThrowAsync<PostgresException>(() => RunAsync(Change("Nothing", 5)))).SqlState.ShouldBe("22023");
        (await Should.ThrowAsync<PostgresException>(() => RunAsync(Change("UserDelete", 4, user: "u")))).SqlState.ShouldBe("PA001");
        await RunAsync(Change("UserDelete", 5, user: "u"));
        (await _log.QueryAsync<string>("""
            select action || ': ' || subject || ' by ' || username from pgetcd.auth_changes order by auth_revision
            """)).ShouldBe(
        [
            "RoleAdd: role r by alice",
            """RoleGrantPermission: role r, Readwrite from "a\x00" by alice""",
            "UserAdd: user u by alice",
            "UserGrantRole: user u, role r by alice",
            "UserDelete: user u by alice",
        ]);

        static string Change(
            string action, long expected, string? user = null, string? role = null, int kind = 0, string key = "''", string end = "''") =>
            string.Create(CultureInfo.InvariantCulture, $"""
                select pgetcd.change_auth(
                    {expected}, gen_random_uuid(), '{action}', {Quoted(user)}, {Quoted(role)}, 'hash', false, {kind}, {key}, {end},
                    'alice', 'here', 'f')
                """);

        static string Quoted(string? text) => text is null ? "null" : $"'{text}'";
    }

    [Theory]
    [InlineData("0", "60")]
    [InlineData("9", "0")]
    [InlineData("9", "-1")]
    [InlineData("null", "60")]
    [InlineData("9", "null")]
    [InlineData("9", "9223372036854775807")]
    public async Task A_lease_needs_an_id_and_a_TTL(string id, string seconds)
    {
        await Should.ThrowAsync<PostgresException>(() => RunAsync(
            $"select pgetcd.grant_leases(array[{id}]::bigint[], array[{seconds}]::bigint[], array[gen_random_uuid()])"));
        (await _log.QueryAsync<long>("select id from pgetcd.leases")).ShouldBe([7]);
    }

    public async Task DisposeAsync()
    {
        await _connection.DisposeAsync();
        await RunAsOwnerAsync($"drop owned by {_server}; drop role {_server}");
        await _log.DisposeAsync();
    }

    private static string Append(string subs, string expected) =>
        $"""
        select outcome from pgetcd.append({expected}, -1, 1, 'f', {subs},
            array(select convert_to('k' || n, 'utf8') from generate_series(1, cardinality({subs})) n),
            array_fill('v'::bytea, array[cardinality({subs})]),
            array_fill(6::bigint, array[cardinality({subs})]), array_fill(1::bigint, array[cardinality({subs})]),
            array_fill(0::bigint, array[cardinality({subs})]), array_fill(null::text, array[cardinality({subs})]),
            array_fill(null::text, array[cardinality({subs})]), '{"{}"}', '{"{}"}', 0::smallint)
        """;

    private static string Hostile(string type, Random random)
    {
        string[] values = type switch
        {
            "bigint" => ["0", "1", "4", "5", "-1", "9223372036854775807", "-9223372036854775808", "7"],
            "integer" => ["0", "1", "-1", "2147483647", "-2147483648", "2"],
            "smallint" => ["0", "1", "-1", "32767"],
            "double precision" => ["0", "-1", "'infinity'", "'nan'", "1e300"],
            "boolean" => ["true", "false"],
            "bytea" => ["''", "'a'", "'\\x00'", "repeat('k', 5000)::bytea"],
            "text" => ["''", "'sql'", "'root'", "'a''b'", "'$1'", "repeat('t', 3000)"],
            "name" => ["'postgres'", "''"],
            "interval" => ["'0'", "'-100 years'", "'100000 years'"],
            "timestamp with time zone" => ["now()", "'infinity'", "'-infinity'"],
            "uuid" => ["gen_random_uuid()", "'00000000-0000-0000-0000-000000000000'"],
            "integer[]" => ["'{0}'", "'{1}'", "'{}'", "'{0,5}'", "'{null}'", "'{{0,1}}'", "'[0:1]={0,0}'"],
            "bigint[]" => ["'{5}'", "'{}'", "'{null}'", "'{-1,9223372036854775807}'", "'{7}'"],
            "bytea[]" => ["array['a']::bytea[]", "'{}'", "array[null]::bytea[]", "array['a','b']::bytea[]"],
            "text[]" => ["'{x}'", "'{}'", "'{null}'", "'{a,b}'"],
            "double precision[]" => ["'{1}'", "'{nan}'", "'{}'"],
            "timestamp with time zone[]" => ["'{infinity}'", "'{}'"],
            _ => ["null"],
        };
        return random.Next(8) == 0 ? $"null::{type}" : $"{values[random.Next(values.Length)]}::{type}";
    }

    private async Task UnchangedAsync()
    {
        (await _log.QueryAsync<string>("""
            select key_text || ' ' || change || ' ' || coalesce(value_text, '') from pgetcd.history order by mod_revision, sub
            """)).ShouldBe(["a create 1", "a update 2", "b create 1", "b delete "]);
        (await Verified.OfAsync(_log.Database)).ShouldBeEmpty();
    }

    private async Task<string[]> LogAsync() =>
        [.. await _log.QueryAsync<string>("select revision || '/' || sub from pgetcd.revisions order by revision, sub")];

    private Task<int> RunAsync(string sql) => _connection.ExecuteAsync(_log.Database.Schema.Apply(sql));

    private async Task<NpgsqlConnection> OpenAsync()
    {
        NpgsqlConnectionStringBuilder address = new(_log.ConnectionString) { Username = _server, Pooling = false };
        NpgsqlConnection connection = new(address.ConnectionString);
        await connection.OpenAsync();
        return connection;
    }

    private async Task RunAsOwnerAsync(string sql)
    {
        await using NpgsqlConnection owner = await _log.Database.OpenAsync(CancellationToken.None);
        await owner.ExecuteAsync(_log.Database.Schema.Apply(sql));
    }

    private async Task DeniedAsync(params string[] statements)
    {
        foreach (string sql in statements)
        {
            (await Should.ThrowAsync<PostgresException>(() => RunAsync(sql), sql))
                .SqlState.ShouldBe(PostgresErrorCodes.InsufficientPrivilege, sql);
            await RunAsync("rollback");
        }
    }
}
