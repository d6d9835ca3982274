using Npgsql;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Verification;

/// <summary>Replays a store, log and archive, and checks every <see cref="Invariant"/>. It uses one snapshot, so the store may be in use.
/// Memory does not grow with the store, except for the ids of its leases.</summary>
/// <remarks>The transaction holds back vacuum until the verifier is disposed of. It takes no lock that a frontend waits for.</remarks>
/// <param name="snapshot">The transaction.</param>
/// <param name="marks">The store's marks.</param>
/// <param name="findings">The violations so far.</param>
/// <param name="rows">Rows of log and archive.</param>
public sealed class Verifier(Snapshot snapshot, StoreMarks marks, Findings findings, long rows) : IAsyncDisposable
{
    /// <summary>Rows between two reports of progress.</summary>
    private const int Step = 4096;

    private const string SettingsSql = """
        set transaction read only; set local jit = off; set local work_mem = '64MB';
        set local statement_timeout = 0; set local idle_in_transaction_session_timeout = 0
        """;

    private const string CountSql = "select (select count(*) from pgetcd.revisions) + (select count(*) from pgetcd.revisions_archive)";

    private const string LogSql = """
        select r.revision, r.sub, r.committed_at, false, r.frontend, r.username, r.client from pgetcd.revisions r
        union all select a.revision, a.sub, a.committed_at, true, a.frontend, a.username, a.client from pgetcd.revisions_archive a
        order by 1, 2
        """;

    private const string KeysSql = """
        select r.key, r.revision, r.sub, r.tombstone, r.create_revision, r.version, r.lease, false from pgetcd.revisions r
        union all select a.key, a.revision, a.sub, a.tombstone, a.create_revision, a.version, a.lease, true from pgetcd.revisions_archive a
        order by 1, 2, 3
        """;

    private const string LeasesSql = "select l.id from pgetcd.leases l";
    private const string StateSql = "select s.key, s.create_revision, s.mod_revision, s.version, s.lease from pgetcd.current_state s";

    private const string DifferencesSql = """
        select coalesce(p.key, s.key), p.revision, p.version, s.mod_revision, s.version
        from (
            select distinct on (r.key) r.* from pgetcd.revisions r order by r.key, r.revision desc, r.sub desc) p
        full join pgetcd.current_state s on s.key = p.key
        where not (p.tombstone and s.key is null) and (p.tombstone
            or (p.revision, p.create_revision, p.version, p.lease) is distinct from (s.mod_revision, s.create_revision, s.version, s.lease))
        order by 1 limit 1000
        """;

    private StateDigest _replayed = new();

    /// <summary>The violations so far.</summary>
    public Findings Findings => findings;

    /// <summary>The store's marks.</summary>
    public StoreMarks Marks => marks;

    /// <summary>Rows of log and archive.</summary>
    public long Rows => rows;

    /// <summary>The number of keys. Known after <see cref="CheckKeysAsync"/>.</summary>
    public long Keys => _replayed.Count;

    /// <summary>Opens the snapshot and checks the marks.</summary>
    public static Task<Verifier> OpenAsync(Database database, CancellationToken cancellationToken) => Snapshot.OpenForAsync(
        database, SettingsSql,
        async snapshot =>
        {
            Findings findings = new();
            StoreMarks marks = await StoreMarks.ReadAsync(snapshot, findings, cancellationToken);
            long rows = (long)(await snapshot.Command(CountSql).WithoutLimit().ScalarAsync(cancellationToken))!;
            return new Verifier(snapshot, marks, findings, rows);
        },
        cancellationToken);

    /// <summary>Checks the rows in the order of the log, then all of them by their digest.</summary>
    /// <param name="report">Called now and then with the number of rows so far.</param>
    public async Task CheckLogAsync(Action<long> report, CancellationToken cancellationToken)
    {
        LogOrderCheck check = new(marks, findings);
        await ReadAsync(
            LogSql,
            reader => check.Add(
                reader.GetInt64(0), reader.GetInt32(1), reader.GetDateTime(2), reader.GetBoolean(3),
                new ChangeOrigin(reader.GetString(4), TextOrNull(reader, 5), TextOrNull(reader, 6))),
            report,
            cancellationToken);
        check.End();
        await DigestCheck.RunAsync(snapshot, findings, cancellationToken);

        static string? TextOrNull(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetString(column);
    }

    /// <summary>Checks the rows key by key.</summary>
    /// <inheritdoc cref="CheckLogAsync"/>
    public async Task CheckKeysAsync(Action<long> report, CancellationToken cancellationToken)
    {
        HashSet<long> leases = [];
        await ReadAsync(LeasesSql, reader => leases.Add(reader.GetInt64(0)), _ => { }, cancellationToken);
        KeyOrderCheck check = new(marks, leases, findings);
        await ReadAsync(
            KeysSql,
            reader => check.Add(reader.GetFieldValue<byte[]>(0), new KeyChange(
                reader.GetInt64(1), reader.GetInt32(2), reader.GetBoolean(3), reader.GetInt64(4), reader.GetInt64(5),
                reader.GetInt64(6), reader.GetBoolean(7))),
            report,
            cancellationToken);
        check.End();
        _replayed = check.Live;
    }

    /// <summary>Compares the view current_state with the result of the replay.</summary>
    /// <inheritdoc cref="CheckLogAsync"/>
    public async Task CheckCurrentStateAsync(Action<long> report, CancellationToken cancellationToken)
    {
        StateDigest shown = new();
        await ReadAsync(
            StateSql,
            reader => shown.Add(
                reader.GetFieldValue<byte[]>(0), reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), reader.GetInt64(4)),
            report,
            cancellationToken);
        if (shown.IsThatOf(_replayed))
        {
            return;
        }

        long before = findings.Count;
        await ReadAsync(
            DifferencesSql,
            reader => findings.Add(Invariant.CurrentState,
                $"Key '{Printable.Text(reader.GetFieldValue<byte[]>(0))}' is {Shown(reader, 3)} in current_state, "
                + $"{Shown(reader, 1)} is its last change in the log."),
            _ => { },
            cancellationToken);
        if (findings.Count == before)
        {
            findings.Add(
                Invariant.CurrentState, $"current_state shows {shown.Count} keys, a replay gives {_replayed.Count}, or not the same ones.");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => snapshot.DisposeAsync();

    private static string Shown(NpgsqlDataReader reader, int column) =>
        reader.IsDBNull(column) ? "not" : $"revision {reader.GetInt64(column)} (version {reader.GetInt64(column + 1)})";

    private Task ReadAsync(string sql, Action<NpgsqlDataReader> take, Action<long> report, CancellationToken cancellationToken)
    {
        long read = 0;
        return snapshot.Command(sql).WithoutLimit().EachAsync(
            reader =>
            {
                take(reader);
                if (++read % Step == 0)
                {
                    report(read);
                }
            },
            cancellationToken);
    }
}
