using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Browsing;

/// <summary>Queries leases, frontends and PostgreSQL itself.</summary>
public sealed class ServerBrowser(Browser browser)
{
    private const string Leases =
        "select l.id, l.ttl, l.expires_at, extract(epoch from l.expires_in)::double precision as expires_in from pgetcd.active_leases l";

    private const string LeasesSql = $"{Leases} order by l.expires_at, l.id limit $1";
    private const string LeaseSql = $"{Leases} where l.id = $1";

    private const string LeaseCountSql = "select count(*) from pgetcd.active_leases";

    private const string FrontendsSql = """
        select m.id, m.name, m.client_urls, m.frontend as run, m.started_at,
            extract(epoch from clock_timestamp() - m.heartbeat_at)::double precision as silence, m.leader_since, m.behind
        from pgetcd.active_members m order by m.name, m.id
        """;

    private const string FactsSql = """
        select current_setting('server_version') as version, pg_postmaster_start_time() as started_at,
            pg_database_size(current_database()) as database_size, s.total, s.in_use,
            (select count(*) from pg_stat_activity a where a.datname = current_database()) as connections,
            current_setting('max_connections')::integer as most_connections,
            (select count(*) from pgetcd.archive_days) as archive_days, pg_is_in_recovery() as is_standby, t.term
        from pgetcd.storage_size() s cross join pgetcd.status t
        """;

    private const string StatementsSql = """
        select case when a.application_name = current_setting('application_name') then a.query else '' end as query, a.state,
            extract(epoch from clock_timestamp() - a.query_start)::double precision as seconds,
            coalesce(a.application_name, '') as application, a.wait_event_type as waits_for
        from pg_stat_activity a
        where a.datname = current_database() and a.pid <> pg_backend_pid() and a.state in ('active', 'idle in transaction')
            and a.backend_type = 'client backend' and a.query_start < clock_timestamp() - interval '100 milliseconds'
        order by a.query_start limit 20
        """;

    private const string CompactionsSql = """
        select c.compact_revision as revision, c.compacted_at as at, c.username, c.client, c.frontend
        from pgetcd.compactions c order by c.compact_revision desc, c.compacted_at desc limit 10
        """;

    /// <summary>The leases, the soonest to expire first.</summary>
    public Task<List<SeenLease>> LeasesAsync(int most, CancellationToken gone) =>
        browser.ListAsync<SeenLease>(LeasesSql, gone, most);

    /// <summary>A lease; null if it does not exist.</summary>
    public Task<SeenLease?> LeaseAsync(long id, CancellationToken gone) =>
        browser.FirstAsync<SeenLease>(LeaseSql, gone, id);

    /// <summary>The number of leases.</summary>
    public Task<long> CountLeasesAsync(CancellationToken gone) => browser.FirstAsync<long>(LeaseCountSql, gone);

    /// <summary>The live frontends.</summary>
    public Task<List<SeenFrontend>> FrontendsAsync(CancellationToken gone) =>
        browser.AskAsync(
            FrontendsSql,
            command => command.ListAsync(
                static row => new SeenFrontend(
                    row.GetString(0), row.GetString(1), row.GetFieldValue<string[]>(2), row.GetString(3), row.GetDateTime(4),
                    row.GetDouble(5), row.IsDBNull(6) ? null : row.GetDateTime(6), row.GetInt64(7)),
                gone),
            gone);

    /// <summary>Facts about PostgreSQL.</summary>
    public async Task<PostgresFacts> FactsAsync(CancellationToken gone) => (await browser.FirstAsync<PostgresFacts>(FactsSql, gone))!;

    /// <summary>Long-running statements in this database. Those of other programs are shown without their text, which may hold
    /// values.</summary>
    public Task<List<SeenStatement>> StatementsAsync(CancellationToken gone) =>
        browser.ListAsync<SeenStatement>(StatementsSql, gone);

    /// <summary>The last compactions.</summary>
    public Task<List<SeenCompaction>> CompactionsAsync(CancellationToken gone) =>
        browser.ListAsync<SeenCompaction>(CompactionsSql, gone);
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
