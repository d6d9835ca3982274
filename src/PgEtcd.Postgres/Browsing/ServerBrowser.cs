using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Browsing;

/// <summary>Queries leases, frontends and PostgreSQL itself.</summary>
public sealed class ServerBrowser(Browser browser)
{
    private const string LeasesSql = """
        select l.id, l.ttl, l.expires_at, extract(epoch from l.expires_in)::double precision as expires_in
        from pgetcd.active_leases l order by l.expires_at, l.id limit $1
        """;

    private const string LeaseSql = """
        select l.id, l.ttl, l.expires_at, extract(epoch from l.expires_in)::double precision as expires_in
        from pgetcd.active_leases l where l.id = $1
        """;

    private const string LeaseCountSql = "select count(*) from pgetcd.active_leases";

    private const string FrontendsSql = """
        select m.id, m.name, m.client_urls, m.frontend as run, m.started_at,
            extract(epoch from clock_timestamp() - m.heartbeat_at)::double precision as silence, m.leader_since, m.behind
        from pgetcd.active_members m order by m.name, m.id
        """;

    private const string FactsSql = """
        select current_setting('server_version'), pg_postmaster_start_time(), pg_database_size(current_database()), s.total, s.in_use,
            (select count(*) from pg_stat_activity a where a.datname = current_database()),
            current_setting('max_connections')::integer,
            (select count(*) from pgetcd.archive_days), pg_is_in_recovery(), t.term
        from pgetcd.storage_size() s cross join pgetcd.status t
        """;

    private const string StatementsSql = """
        select case when a.application_name = current_setting('application_name') then a.query else '' end, a.state,
            extract(epoch from clock_timestamp() - a.query_start)::double precision,
            a.application_name, a.wait_event_type
        from pg_stat_activity a
        where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state in ('active', 'idle in transaction')
            and a.backend_type = 'client backend' and a.query_start < clock_timestamp() - interval '100 milliseconds'
        order by a.query_start limit 20
        """;

    private const string CompactionsSql = """
        select c.compact_revision, c.compacted_at, c.username, c.client, c.frontend
        from pgetcd.compactions c order by c.compact_revision desc, c.compacted_at desc limit 10
        """;

    /// <summary>The leases, the soonest to expire first.</summary>
    public Task<List<SeenLease>> LeasesAsync(int most, CancellationToken gone) =>
        browser.AskAsync(token => browser.Command(LeasesSql, most).ListAsync<SeenLease>(token), gone);

    /// <summary>A lease; null if it does not exist.</summary>
    public Task<SeenLease?> LeaseAsync(long id, CancellationToken gone) =>
        browser.AskAsync(token => browser.Command(LeaseSql, id).FirstAsync<SeenLease>(token), gone);

    /// <summary>The number of leases.</summary>
    public Task<long> CountLeasesAsync(CancellationToken gone) =>
        browser.AskAsync(async token => (long)(await browser.Command(LeaseCountSql).ScalarAsync(token))!, gone);

    /// <summary>The live frontends.</summary>
    public Task<List<SeenFrontend>> FrontendsAsync(CancellationToken gone) =>
        browser.AskAsync(token => browser.Command(FrontendsSql).ListAsync(
            static row => new SeenFrontend(
                row.GetString(0), row.GetString(1), row.GetFieldValue<string[]>(2), row.GetString(3), row.GetDateTime(4), row.GetDouble(5),
                row.IsDBNull(6) ? null : row.GetDateTime(6), row.GetInt64(7)),
            token), gone);

    /// <summary>Facts about PostgreSQL.</summary>
    public Task<PostgresFacts> FactsAsync(CancellationToken gone) =>
        browser.AskAsync(async token => (await browser.Command(FactsSql).FirstAsync(
            static row => new PostgresFacts(
                row.GetString(0), row.GetDateTime(1), row.GetInt64(2), row.GetInt64(3), row.GetInt64(4), row.GetInt64(5), row.GetInt32(6),
                row.GetInt64(7), row.GetBoolean(8), row.GetInt64(9)),
            token))!, gone);

    /// <summary>Long-running statements in this database. Those of other programs are shown without their text, which may hold
    /// values.</summary>
    public Task<List<SeenStatement>> StatementsAsync(CancellationToken gone) =>
        browser.AskAsync(token => browser.Command(StatementsSql).ListAsync(
            static row => new SeenStatement(
                row.GetString(0), row.IsDBNull(1) ? "" : row.GetString(1), row.GetDouble(2), row.IsDBNull(3) ? "" : row.GetString(3),
                row.IsDBNull(4) ? null : row.GetString(4)),
            token), gone);

    /// <summary>The last compactions.</summary>
    public Task<List<SeenCompaction>> CompactionsAsync(CancellationToken gone) =>
        browser.AskAsync(token => browser.Command(CompactionsSql).ListAsync(
            static row => new SeenCompaction(
                row.GetInt64(0), row.GetDateTime(1), row.IsDBNull(2) ? null : row.GetString(2), row.IsDBNull(3) ? null : row.GetString(3),
                row.IsDBNull(4) ? null : row.GetString(4)),
            token), gone);
}

/// <summary>A lease.</summary>
/// <param name="Ttl">The granted TTL, seconds.</param>
/// <param name="ExpiresIn">Seconds; negative until the leader has revoked it.</param>
public sealed record SeenLease(long Id, long Ttl, DateTime ExpiresAt, double ExpiresIn);

/// <summary>A frontend.</summary>
/// <param name="Run">The frontend's name in the history.</param>
/// <param name="Silence">Seconds since its last heartbeat.</param>
/// <param name="LeaderSince">The beginning of its leadership; null if it does not lead.</param>
/// <param name="Behind">The number of revisions by which it lagged at its last heartbeat.</param>
public sealed record SeenFrontend(
    string Id, string Name, string[] ClientUrls, string Run, DateTime StartedAt, double Silence, DateTime? LeaderSince, long Behind);

/// <summary>Facts about PostgreSQL. Sizes are in bytes.</summary>
/// <param name="Total">Size of the schema's tables and indexes.</param>
/// <param name="InUse">An estimate of the part of it that holds data.</param>
public sealed record PostgresFacts(
    string Version, DateTime StartedAt, long DatabaseSize, long Total, long InUse, long Connections, int MostConnections,
    long ArchiveDays, bool IsStandby, long Term);

/// <summary>A statement under way.</summary>
/// <param name="Seconds">Seconds since it began.</param>
public sealed record SeenStatement(string Query, string State, double Seconds, string Application, string? WaitsFor);

/// <summary>A compaction.</summary>
public sealed record SeenCompaction(long Revision, DateTime At, string? Username, string? Client, string? Frontend);
