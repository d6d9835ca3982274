using Npgsql;
using PgEtcd.Mvcc;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Postgres.Connections;
using PgEtcd.Postgres.Maintenance;
using PgEtcd.Postgres.Revisions;
using PgEtcd.Testing.Postgres;
using Shouldly;
using static PgEtcd.Postgres.Tests.LogFixture;

namespace PgEtcd.Postgres.Tests;

/// <summary>A log written through the key space, as by a frontend, with compactions and removals.</summary>
internal sealed class RemovalFixture : IAsyncDisposable
{
    private static readonly IReadOnlySet<long> NoLeases = new HashSet<long>();
    private readonly LogFixture _log;

    private RemovalFixture(LogFixture log)
    {
        _log = log;
        Removal = new RemovalTable(log.Database);
    }

    public RemovalTable Removal { get; }

    public LogFixture Log => _log;

    public Database Database => _log.Database;

    /// <summary>All rows ever written.</summary>
    public List<RemovalRow> History { get; } = [];

    /// <summary>The state after the last revision.</summary>
    public KeySpace State { get; private set; } = KeySpace.Empty;

    public static async Task<RemovalFixture> CreateAsync(PostgresFixture postgres, string schema = "pgetcd") =>
        new(await LogFixture.CreateAsync(postgres, schema));

    public static PutOperation Put(string key) => new() { Key = Bytes(key), Value = Bytes("v") };

    public static DeleteRangeOperation Delete(string key, string end = "") => new() { Key = Bytes(key), RangeEnd = Bytes(end) };

    /// <summary>Writes a revision. The rows are an hour old unless they should be young.</summary>
    public async Task WriteAsync(Operation operation, bool isYoung = false, RevisionLog? from = null)
    {
        Fork fork = State.Fork();
        fork.Evaluate(operation, NoLeases, new NoHistory(), out _).ShouldBe(KvError.None);
        AppendBatch batch = new(new LogPosition(State.Revision, State.CompactRevision, 1));
        foreach (KvEvent change in fork.Events)
        {
            batch.Add(change, null, null);
            History.Add(
                new RemovalRow(change.Revision, change.Sub, System.Text.Encoding.UTF8.GetString(change.Key.Span), change.Record is null));
        }

        if (!batch.IsEmpty)
        {
            (await (from ?? _log.Log).AppendAsync(batch, _ => { }, CancellationToken.None)).Outcome.ShouldBe(AppendOutcome.Appended);
        }

        long compacted = State.CompactRevision;
        State = fork.Freeze().WithCompactRevision(compacted);
        if (!isYoung)
        {
            await ExecuteAsync($"update pgetcd.revisions set committed_at = now() - interval '1 hour' where revision = {State.Revision}");
        }
    }

    public async Task CompactAsync(long revision)
    {
        (await _log.Log.CompactAsync(revision, Guid.NewGuid(), CancellationToken.None)).ShouldBe(CompactOutcome.Compacted);
        State = State.WithCompactRevision(revision);
    }

    /// <summary>Removes one batch.</summary>
    public async Task<RemovalOutcome> StepAsync(int rows = 1000, bool toArchive = false) =>
        (await Removal.RemoveAsync(rows, TimeSpan.FromSeconds(10), toArchive, CancellationToken.None)).Outcome;

    /// <summary>Removes all batches.</summary>
    public async Task<RemovalOutcome> RemoveAsync(int rows = 1000, bool toArchive = false)
    {
        while (true)
        {
            if (await StepAsync(rows, toArchive) is not RemovalOutcome.More and var outcome)
            {
                return outcome;
            }
        }
    }

    /// <summary>Starts a batch that is killed before it commits.</summary>
    public async Task KilledStepAsync(int rows)
    {
        await using NpgsqlConnection connection = await Database.OpenAsync(CancellationToken.None);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync();
        await using NpgsqlCommand command = new(
            Database.Schema.Apply($"select * from pgetcd.remove_superseded({rows}, '10 seconds', false)"), connection);
        await command.ExecuteNonQueryAsync();
    }

    public async Task<List<RemovalRow>> RowsAsync(string from = "revisions") => await _log.QueryAsync<RemovalRow>(
        $"select revision, sub, convert_from(key, 'utf8') as key, tombstone from pgetcd.{from} order by revision, sub");

    public async Task ExecuteAsync(string sql)
    {
        await using NpgsqlCommand command = Database.Command(sql);
        await command.ExecuteNonQueryAsync();
    }

    public ValueTask DisposeAsync() => _log.DisposeAsync();

    private sealed class NoHistory : IHistory
    {
        public RangeResult? Range(RangeOperation operation, long headerRevision) => null;
    }
}
