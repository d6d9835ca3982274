using System.Diagnostics;
using Npgsql;
using NpgsqlTypes;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Alarms;
using PgEtcd.Postgres.Calls;
using PgEtcd.Postgres.Connections;

namespace PgEtcd.Postgres.Revisions;

/// <summary>The log of revisions: conditional append, tail, compaction mark. Each is one round trip.</summary>
/// <param name="database">The database.</param>
/// <param name="name">The frontend's name. Rows carry it with a mark of this run, so that a frontend recognises its own rows
/// (design §2.6).</param>
public sealed class RevisionLog(Database database, string name)
{
    private const string AppendSql =
        "select * from pgetcd.append($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)";

    private const string AppendOneSql = "select pgetcd.append_one($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)";

    // Reads both ends of two indexes and nothing else: the barrier of every linearizable read.
    private const string PositionSql = """
        select greatest(c.base_revision, (select max(revision) from pgetcd.revisions)), c.compact_revision, c.auth_revision, c.alarms
        from pgetcd.cluster c
        """;

    private const string TailSql = "select * from pgetcd.tail($1)";
    private const string WalkedSql = "select walked_revision from pgetcd.removal";
    private const string EnterSql = "select * from pgetcd.lock_and_tail($1)";
    private const string CompactSql = "select outcome from pgetcd.compact($1, $2, $3, $4, $5)";
    private const string ObserveTermSql = "select pgetcd.observe_term()";
    private const string EnsureHistorySql = "select pgetcd.ensure_history($1, $2, $3, $4, $5)";

    private int _abandoned;

    /// <summary>The name of this run of this frontend; no other process has the same.</summary>
    public string Frontend { get; } = $"{name}-{Guid.NewGuid().ToString("N")[..8]}";

    private string Run => _abandoned == 0 ? Frontend : $"{Frontend}.{_abandoned}";

    /// <summary>Gives up on a batch whose outcome is unknown. If the batch is committed later, its rows are not mistaken for those of a
    /// later batch.</summary>
    public void Abandon() => Interlocked.Increment(ref _abandoned);

    /// <summary>Whether a row or a notification is from this run of this frontend.</summary>
    /// <param name="run">The row's column <c>frontend</c>.</param>
    public bool IsOwn(ReadOnlySpan<char> run) => run.StartsWith(Frontend, StringComparison.Ordinal);

    /// <summary>Appends the batch if the log is still at the batch's expected position, or if others have since changed nothing
    /// that the batch read. May be repeated with the same batch after the connection broke: it is appended once.</summary>
    /// <param name="batch">The events.</param>
    /// <param name="missed">Called, in order, for the rows after the expected revision: on a conflict for all of them, otherwise for those
    /// before the batch.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the append.</param>
    /// <exception cref="LogGapException">There was a conflict, and some of the missed rows are gone.</exception>
    /// <exception cref="StoreUnavailableException">The batch was appended, and some of the missed rows are gone.</exception>
    /// <exception cref="LogCutException">The log ends before the expected revision.</exception>
    public async Task<AppendResult> AppendAsync(AppendBatch batch, Action<LogRow> missed, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenForAppendAsync(cancellationToken);
        long started = Stopwatch.GetTimestamp();
        AppendResult result;
        if (batch.IsLone && await AppendOneAsync(connection, batch, cancellationToken) is { } head)
        {
            result = new AppendResult(AppendOutcome.Appended, batch.Expected with { Revision = head }, []);
        }
        else
        {
            await using NpgsqlCommand command = database.Command(connection, AppendSql, Values(batch));
            await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
            result = await ReadAsync(reader, batch, missed, cancellationToken);
        }

        Measure(batch, result, started);
        return result;
    }

    /// <summary>For a frontend that keeps losing: takes the append lock first, lets the caller build the batch on the rows that it had
    /// missed, appends and commits. The transaction may be idle for at most two seconds, so that a frontend that hangs here does not block
    /// the others.</summary>
    /// <param name="applied">The position of the caller's state.</param>
    /// <param name="missed">Called for the rows after that position.</param>
    /// <param name="evaluate">Makes the batch at the given position, or returns null to append nothing.</param>
    /// <exception cref="LogGapException">Some of the missed rows are gone.</exception>
    public async Task<AppendResult?> AppendLockedAsync(
        long applied, Action<LogRow> missed, Func<LogPosition, AppendBatch?> evaluate, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenForAppendAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken); // sent with the next one
        LogPosition position = await TailAsync(database.Command(connection, EnterSql, applied), applied, missed, cancellationToken);
        await CheckWholeAsync(applied, position, cancellationToken);

        if (evaluate(position) is not { } batch)
        {
            return null;
        }

        long started = Stopwatch.GetTimestamp();
        await using NpgsqlBatch append = new(connection);
        append.Add(database.Schema, AppendSql, Values(batch));
        append.Add(database.Schema, "commit");
        await using NpgsqlDataReader reader = await append.ExecuteReaderAsync(cancellationToken);
        AppendResult result = await ReadAsync(reader, batch, missed, cancellationToken);
        while (await reader.NextResultAsync(cancellationToken))
        {
            // An error of the commit is thrown here.
        }

        Measure(batch, result, started);
        return result;
    }

    /// <summary>The position of the log.</summary>
    public async Task<LogPosition> PositionAsync(CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await database.OpenForPositionAsync(cancellationToken);
        return await PositionAsync(database, connection, cancellationToken);
    }

    /// <summary>Reads the rows after a revision.</summary>
    /// <param name="after">The last revision that the caller has.</param>
    /// <param name="row">Called for the rows after that revision, in order.</param>
    /// <returns>The position of the log in the snapshot of the read.</returns>
    /// <exception cref="LogGapException">Some of the rows are gone.</exception>
    public async Task<LogPosition> TailAsync(long after, Action<LogRow> row, CancellationToken cancellationToken)
    {
        LogPosition position = await TailAsync(database.Command(TailSql, after), after, row, cancellationToken);
        await CheckWholeAsync(after, position, cancellationToken);
        return position;
    }

    /// <summary>Moves the compaction mark.</summary>
    /// <param name="revision">The new mark.</param>
    /// <param name="token">Identifies the compaction: a repetition with the same token succeeds again.</param>
    /// <param name="cancellationToken">Ends the wait, not necessarily the compaction.</param>
    /// <param name="username">The etcd user, or null.</param>
    /// <param name="client">The address of the client; null for the frontend itself.</param>
    /// <returns>Compacted, or the reason for the refusal.</returns>
    public async Task<CompactOutcome> CompactAsync(
        long revision, Guid token, CancellationToken cancellationToken, string? username = null, string? client = null)
    {
        object? outcome = await database.Command(CompactSql, revision, token, username, client, Frontend).ScalarAsync(cancellationToken);
        return outcome switch
        {
            "compacted" => CompactOutcome.Compacted,
            "already" => CompactOutcome.AlreadyCompacted,
            "corrupt" => CompactOutcome.Corrupt,
            _ => CompactOutcome.FutureRevision,
        };
    }

    /// <summary>The term of PostgreSQL: its restarts and promotions, counted from 1 (design §10).</summary>
    public async Task<long> ObserveTermAsync(CancellationToken cancellationToken) =>
        (long)(await database.Command(ObserveTermSql).ScalarAsync(cancellationToken))!;

    /// <summary>Makes sure that the log still holds the applied changes. If it does not, a failover has lost commits, and the revision
    /// moves up beyond all revisions shown before (design §11).</summary>
    /// <param name="connection">A connection to the new server.</param>
    /// <param name="revision">The last applied revision.</param>
    /// <param name="last">Its last change; null if the state was loaded and nothing applied since.</param>
    /// <param name="compactRevision">The known compaction mark; if only the mark was lost, and no change, it is set again.</param>
    /// <returns>False when history was lost.</returns>
    public async Task<bool> EnsureHistoryAsync(NpgsqlConnection connection, long revision, KvEvent? last, long compactRevision = -1) =>
        await database.Command(
            connection, EnsureHistorySql, revision, last?.Sub ?? 0, last?.Key, last?.Record?.ValueMemory, compactRevision)
            .ScalarAsync(CancellationToken.None) is true;

    /// <summary>The position of the log as of the connection's transaction.</summary>
    internal static Task<LogPosition> PositionAsync(Database database, NpgsqlConnection connection, CancellationToken cancellationToken) =>
        database.Command(connection, PositionSql).FirstAsync(
            static reader => new LogPosition(reader.GetInt64(0), reader.GetInt64(1), reader.GetInt64(2), (AlarmKinds)reader.GetInt16(3)),
            cancellationToken);

    /// <summary>The arguments of <see cref="AppendSql"/>.</summary>
    private SqlValue[] Values(AppendBatch batch)
    {
        LogPosition expected = batch.Expected;
        return
        [
            expected.Revision,
            expected.CompactRevision,
            expected.AuthRevision,
            Run,
            SqlValue.Array(batch.Subs, NpgsqlDbType.Integer),
            SqlValue.Array(batch.Keys, NpgsqlDbType.Bytea),
            SqlValue.Array(batch.Values, NpgsqlDbType.Bytea),
            SqlValue.Array(batch.CreateRevisions, NpgsqlDbType.Bigint),
            SqlValue.Array(batch.Versions, NpgsqlDbType.Bigint),
            SqlValue.Array(batch.Leases, NpgsqlDbType.Bigint),
            SqlValue.Array(batch.Usernames, NpgsqlDbType.Text),
            SqlValue.Array(batch.Clients, NpgsqlDbType.Text),
            SqlValue.Array(batch.RequiredLeases.ToList(), NpgsqlDbType.Bigint),
            SqlValue.Array(batch.RevokedLeases, NpgsqlDbType.Bigint),
            (short)expected.Alarms,
            SqlValue.Array(batch.IsFixed ? null : batch.ReadKeys, NpgsqlDbType.Bytea),
            SqlValue.Array(batch.ReadStarts, NpgsqlDbType.Bytea),
            SqlValue.Array(batch.ReadEnds, NpgsqlDbType.Bytea),
        ];
    }

    private async Task<AppendResult> ReadAsync(
        NpgsqlDataReader reader, AppendBatch batch, Action<LogRow> missed, CancellationToken cancellationToken)
    {
        await reader.ReadAsync(cancellationToken);
        AppendOutcome outcome = reader.GetString(0) switch
        {
            "appended" => AppendOutcome.Appended,
            "conflict" => AppendOutcome.Conflict,
            _ => AppendOutcome.LeaseMissing,
        };
        LogPosition position = new(reader.GetInt64(1), reader.GetInt64(2), reader.GetInt64(3), (AlarmKinds)reader.GetInt16(12));
        long[] missingLeases = outcome == AppendOutcome.LeaseMissing ? reader.GetFieldValue<long[]>(4) : [];
        while (await reader.ReadAsync(cancellationToken))
        {
            missed(LogRow.Read(reader, 5));
        }

        if (outcome == AppendOutcome.Conflict && position.Revision < batch.Expected.Revision)
        {
            throw new LogCutException(position.Revision, batch.Expected.Revision);
        }

        // Not decided by the rows that came: all rows before the batch may be gone.
        bool isBehindOthers = outcome == AppendOutcome.Appended && position.Revision != batch.Expected.Revision + batch.Revisions;
        if (outcome == AppendOutcome.Conflict || isBehindOthers)
        {
            try
            {
                await CheckWholeAsync(batch.Expected.Revision, position, cancellationToken);
            }
            catch (LogGapException gap) when (outcome == AppendOutcome.Appended)
            {
                // The answers would need those rows, and the batch must not be appended again.
                throw new StoreUnavailableException(gap);
            }
        }

        return new AppendResult(outcome, position, missingLeases);
    }

    /// <summary>Appends a single change with a simpler statement.</summary>
    /// <returns>The revision; null if <see cref="AppendSql"/> must find the outcome.</returns>
    private async Task<long?> AppendOneAsync(NpgsqlConnection connection, AppendBatch batch, CancellationToken cancellationToken)
    {
        LogPosition expected = batch.Expected;
        return await database.Command(
            connection, AppendOneSql,
            expected.Revision,
            expected.CompactRevision,
            expected.AuthRevision,
            (short)expected.Alarms,
            Run,
            batch.Keys[0],
            batch.Values[0],
            batch.CreateRevisions[0],
            batch.Versions[0],
            batch.Leases[0],
            batch.Usernames[0],
            batch.Clients[0])
            .ScalarAsync(cancellationToken) as long?;
    }

    private static void Measure(AppendBatch batch, in AppendResult result, long started)
    {
        if (result.Outcome == AppendOutcome.Appended && batch.Keys.Count > 0)
        {
            DatabaseMetrics.Appended(batch.Keys.Count, batch.Bytes, started);
        }
    }

    private static async Task<LogPosition> TailAsync(
        NpgsqlCommand tail, long after, Action<LogRow> row, CancellationToken cancellationToken)
    {
        await using NpgsqlCommand command = tail;
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        LogPosition position = new(
            Math.Max(after, reader.GetInt64(1)), reader.GetInt64(2), reader.GetInt64(3), (AlarmKinds)reader.GetInt16(12));
        long last = after;
        while (await reader.ReadAsync(cancellationToken))
        {
            LogRow next = LogRow.Read(reader, 5);
            last = next.Revision;
            row(next);
        }

        return position with { Revision = Math.Max(position.Revision, last) };
    }

    /// <summary>Makes sure that removal had not touched the rows that were read after a revision. Called after the read: removal only
    /// moves forward, so if it has not reached the rows now, it had not reached them then.</summary>
    private async ValueTask CheckWholeAsync(long after, LogPosition position, CancellationToken cancellationToken)
    {
        // Only rows below the compact revision are ever removed.
        if (position.CompactRevision > after + 1 && (long)(await database.Command(WalkedSql).ScalarAsync(cancellationToken))! > after)
        {
            throw new LogGapException(after);
        }
    }
}

/// <summary>The result of a compaction (semantics.md §6).</summary>
public enum CompactOutcome
{
    /// <summary>The mark has moved.</summary>
    Compacted,

    /// <summary>The revision is already at or below the mark.</summary>
    AlreadyCompacted,

    /// <summary>The revision is above that of the store.</summary>
    FutureRevision,

    /// <summary>Refused, because an alarm says that the store is corrupt.</summary>
    Corrupt,
}

/// <summary>The log does not continue from the reader's position: compaction has removed rows before they were read, or history was lost
/// (<see cref="RevisionLog.EnsureHistoryAsync"/>). The state must be loaded anew.</summary>
/// <param name="after">The revision after which rows were requested.</param>
public sealed class LogGapException(long after) : Exception($"The log is no longer whole after revision {after}.");

/// <summary>The log ends before a revision that was read from it: rows at its end were deleted from outside. The loss of a failover is
/// noticed earlier (<see cref="RevisionLog.EnsureHistoryAsync"/>).</summary>
/// <param name="head">The end of the log.</param>
/// <param name="applied">The revision that was read from it.</param>
public sealed class LogCutException(long head, long applied) : Exception(
    $"the log in PostgreSQL ends at revision {head}, and this frontend has read revision {applied} from it: rows were deleted there. "
    + "Nothing can be written until they are put back or the revision is moved up, as after a restore")
{
    /// <summary>The revision that was read from the log.</summary>
    public long Applied { get; } = applied;
}
