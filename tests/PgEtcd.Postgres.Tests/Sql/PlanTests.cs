using System.Text.Json;
using Dapper;
using Npgsql;
using PgEtcd.Testing.Postgres;
using Shouldly;
using Xunit;

namespace PgEtcd.Postgres.Tests.Sql;

/// <summary>The cost of a read in PostgreSQL follows the rows found and their history, not the table.</summary>
public sealed class PlanTests(PostgresFixture postgres) : IClassFixture<PostgresFixture>, IAsyncLifetime
{
    private const int Keys = 2000;
    private const int Versions = 25;

    private LogFixture _log = null!;
    private NpgsqlConnection _connection = null!;
    private readonly List<string> _notices = [];

    public async Task InitializeAsync()
    {
        _log = await LogFixture.CreateAsync(postgres);
        _connection = await _log.Database.OpenAsync(CancellationToken.None);
        // 50,000 revisions: 200 prefixes of ten keys, 25 versions each. The older half of them is archived.
        await _connection.ExecuteAsync($"""
            insert into pgetcd.revisions
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
                select n + 2, 0, convert_to(format('/app/%s/%s', lpad((n % {Keys} / 10)::text, 3, '0'), n % 10), 'UTF8'), 'v',
                    n % {Keys} + 2, n / {Keys} + 1, 0, timestamptz '2026-01-01' + n * interval '1 second', 'u', 'c', 'f'
                from generate_series(0, {Keys * Versions} - 1) n;
            select setval('pgetcd.revision_seq', {(Keys * Versions) + 1});
            select pgetcd.keep_archive('30 days');
            with gone as (delete from pgetcd.revisions where revision <= {Keys * Versions / 2} returning *)
            insert into pgetcd.revisions_archive
                (revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend)
                select revision, sub, key, value, create_revision, version, lease, committed_at, username, client, frontend from gone;
            update pgetcd.cluster set compact_revision = {(Keys * Versions / 2) + Keys};
            """);
        await _connection.ExecuteAsync("vacuum analyze pgetcd.revisions");
        await _connection.ExecuteAsync("vacuum analyze pgetcd.revisions_archive");
        await _connection.ExecuteAsync("""
            load 'auto_explain';
            set auto_explain.log_min_duration = 0; set auto_explain.log_nested_statements = on; set auto_explain.log_analyze = on;
            set auto_explain.log_format = json; set auto_explain.log_level = 'notice';
            """);
        _connection.Notice += (_, notice) => _notices.Add(notice.Notice.MessageText);
    }

    [Theory]
    [InlineData("prefix_at(49000, '/app/123/')", 10, 10 * Versions)]
    [InlineData("prefix_at(4000, '/app/123/')", 10, 10 * Versions)]
    [InlineData("get_prefix('/app/123/')", 10, 10 * Versions)]
    [InlineData("key_at(49000, '/app/123/4')", 1, Versions)]
    [InlineData("key_at(4000, '/app/123/4')", 1, Versions)]
    [InlineData("get('/app/123/4')", 1, Versions)]
    [InlineData("state_at(49000, '/app/123/4', '/app/123/6')", 2, 2 * Versions)]
    [InlineData("prefix_at(timestamptz '2026-01-01 13:00', '/app/123/')", 10, 10 * Versions)]
    [InlineData("prefix_at(timestamptz '2026-01-01 01:00', '/app/123/')", 10, 10 * Versions)]
    [InlineData("key_history('/app/123/4')", Versions, 3 * Versions)]
    [InlineData("prefix_history('/app/123/')", 10 * Versions, 30 * Versions)]
    [InlineData("diff(40000, 40050)", 50, 50 * 2 * Versions)]
    [InlineData("diff(4000, 44000, '/app/123/')", 10, 30 * Versions)]
    [InlineData("plan_restore_key('/app/123/4', 49000)", 0, 4 * Versions)]
    [InlineData("plan_restore_prefix('/app/123/', 4000)", 0, 30 * Versions)]
    // A page of the past reads up to eight versions of each of its keys. Below an entry it counts a few keys more.
    [InlineData("walk_at(49000, '/app/', '/app0', 20)", 20, 20 + Versions)]
    [InlineData("walk_at(4000, '/app/', '/app0', 20)", 20, 20 * 3)]
    [InlineData("walk_at(49000, '', null, 20, after_revision => 48000)", 20, 21)]
    [InlineData("level_page(49000, '', '/', '', 20, 100, 'infinity')", 1, 100)]
    [InlineData("level_page(49000, '/app/', '/', '', 20, 100, 'infinity')", 20, 100)]
    [InlineData("level_page(4000, '/app/', '/', '', 20, 100, 'infinity')", 20, 100)]
    [InlineData("level_page(49000, '/app/123/', '/', '', 5, 100, 'infinity')", 5, 10)]
    [InlineData("search_page(49000, '/app/', '/7', false, '', 20, 'infinity')", 20, 220 + Versions)]
    [InlineData("difference_page(40000, 40050, '', '', 100)", 50, 50 * 2)]
    [InlineData("difference_page(4000, 44000, '/app/', '', 20, few => 100)", 20, 101)]
    [InlineData("difference_page(4000, 44000, '/app/123/', '', 20, few => 100)", 10, 101)]
    public async Task Reads_touch_only_the_rows_they_find_and_their_history(string from, int found, int mostRows)
    {
        // Often enough for PostgreSQL to switch to generic plans.
        for (int i = 0; i < 8; i++)
        {
            _notices.Clear();
            (await _connection.ExecuteScalarAsync<long>($"select count(*) from pgetcd.{from}")).ShouldBe(found);
            List<JsonElement> scans = [.. _notices.SelectMany(Scans)];
            scans.ShouldNotBeEmpty();
            foreach (JsonElement scan in scans)
            {
                long read = Count(scan, "Actual Rows") + Count(scan, "Rows Removed by Filter") + Count(
                    scan, "Rows Removed by Index Recheck");
                // Tomorrow's partition is empty, so any way of reading it is fine.
                long most = scan.GetProperty("Node Type").GetString() == "Seq Scan" ? 0 : mostRows;
                (read * Count(scan, "Actual Loops")).ShouldBeLessThanOrEqualTo(most, $"{from}: {scan}");
            }
        }
    }

    [Fact]
    public async Task A_state_in_the_log_does_not_read_the_archive()
    {
        _notices.Clear();
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.prefix_at(49000, '/app/123/')");
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.key_at(49000, '/app/123/4')");
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.diff(49000, 49010)");
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.level_page(49000, '/app/', '/', '', 20, 100, 'infinity')");
        await _connection.ExecuteScalarAsync<long>(
            "select count(*) from pgetcd.search_page(49000, '/app/', '/9', false, '', 20, '-infinity')");
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.difference_page(48000, 49010, '', few => 0)");
        await _connection.ExecuteScalarAsync<long>("select pgetcd.revision_at('2026-01-01 13:00')");
        _notices.SelectMany(Scans).Select(scan => scan.GetProperty("Relation Name").GetString()).Distinct().ShouldBe(["revisions"]);
        _notices.Clear();
        await _connection.ExecuteScalarAsync<long>("select count(*) from pgetcd.prefix_at(4000, '/app/123/')");
        _notices.SelectMany(Scans).ShouldContain(
            scan => scan.GetProperty("Relation Name").GetString()!.StartsWith("revisions_archive", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_put_reads_one_row_of_its_key()
    {
        for (int i = 0; i < 8; i++)
        {
            _notices.Clear();
            await _connection.ExecuteAsync("select pgetcd.put('/app/123/4', 'v')");
            foreach (JsonElement scan in _notices.SelectMany(Scans))
            {
                scan.GetProperty("Node Type").GetString().ShouldBe("Index Scan", scan.ToString());
                (Count(scan, "Actual Rows") + Count(scan, "Rows Removed by Filter")).ShouldBeLessThanOrEqualTo(1, scan.ToString());
            }
        }
    }

    public async Task DisposeAsync()
    {
        await _connection.CloseAsync();
        NpgsqlConnection.ClearPool(_connection); // loaded settings stay with the session
        await _connection.DisposeAsync();
        await _log.DisposeAsync();
    }

    private static long Count(JsonElement scan, string name) =>
        scan.TryGetProperty(name, out JsonElement count) ? (long)count.GetDouble() : 0;

    /// <summary>The scans of revisions, archived or not, in a plan printed by auto_explain.</summary>
    private static IEnumerable<JsonElement> Scans(string notice)
    {
        int start = notice.IndexOf('{', StringComparison.Ordinal);
        return start < 0 ? [] : Walk(JsonDocument.Parse(notice[start..]).RootElement.GetProperty("Plan"));

        static IEnumerable<JsonElement> Walk(JsonElement node)
        {
            if (node.GetProperty("Node Type").GetString()!.EndsWith("Scan", StringComparison.Ordinal)
                && node.TryGetProperty("Relation Name", out JsonElement table)
                    && table.GetString()!.StartsWith("revisions", StringComparison.Ordinal))
            {
                yield return node;
            }

            foreach (JsonElement child in node.TryGetProperty("Plans", out JsonElement plans) ? plans.EnumerateArray() : default)
            {
                foreach (JsonElement inner in Walk(child))
                {
                    yield return inner;
                }
            }
        }
    }
}
