using System.Diagnostics;
using System.Diagnostics.Metrics;
using PgEtcd.Mvcc;
using static PgEtcd.Server.Metrics.ServerMeter;

namespace PgEtcd.Server.Store;

/// <summary>Every metric of the store that counts what happens; what is asked for is in <see cref="Metrics.ServerGauges"/>.</summary>
internal static class StoreMetrics
{
    /// <summary>etcd's --warning-apply-duration.</summary>
    private static readonly TimeSpan SlowApply = TimeSpan.FromMilliseconds(100);

    private static readonly Histogram<double> BatchWrites = Histogram(
        "pgetcd_append_batch_writes", 1, 11, "How many write requests were committed together.");

    private static readonly Counter<long> SlowApplies = Counter(
        "etcd_server_slow_apply_total", "The total number of batches of writes that took longer than 100 ms to commit.");

    private static readonly Counter<long> Puts = Counter("etcd_mvcc_put_total", "Total number of puts seen by this member.");

    private static readonly Counter<long> Deletes = Counter("etcd_mvcc_delete_total", "Total number of deletes seen by this member.");

    private static readonly Counter<long> Txns = Counter("etcd_mvcc_txn_total", "Total number of txns seen by this member.");

    private static readonly Counter<long> Ranges = Counter("etcd_mvcc_range_total", "Total number of ranges seen by this member.");

    private static readonly ApplySeconds PutSeconds = new("Put");

    private static readonly ApplySeconds DeleteSeconds = new("DeleteRange");

    private static readonly ApplySeconds TxnSeconds = new("Txn");

    private static readonly ApplySeconds RevokeSeconds = new("LeaseRevoke");

    private static readonly ApplySeconds CompactionSeconds = new("Compaction");

    private static readonly Histogram<double> RangeSeconds = RangeHistogram("true");

    private static readonly Histogram<double> FailedRangeSeconds = RangeHistogram("false");

    private static readonly UpDownCounter<long> PutBytes = UpDown(
        "etcd_debugging_mvcc_total_put_size_in_bytes", "The total size of put kv pairs seen by this member.");

    public static readonly Counter<long> Conflicts = Counter(
        "pgetcd_append_conflicts_total", "Appends that were refused because another frontend had written; they were evaluated again.");

    public static readonly Counter<long> Locked = Counter(
        "pgetcd_append_locked_total", "Batches that were evaluated under the lock, after several conflicts in a row.");

    public static readonly Counter<long> FailedWrites = Counter(
        "etcd_server_proposals_failed_total", "The total number of writes that failed because the database did not answer in time.");

    public static readonly Histogram<double> BarrierSeconds = Histogram(
        "pgetcd_read_barrier_duration_seconds", 0.0001, 18,
        "How long the query took that linearizable reads wait for; all that wait at a time share one.");

    public static readonly Counter<long> SlowBarriers = Counter(
        "etcd_server_slow_read_indexes_total", "The total number of read barriers that had to be repeated because the database did not answer at once.");

    public static readonly Counter<long> FailedBarriers = Counter(
        "etcd_server_read_indexes_failed_total", "The total number of read barriers that failed because the database did not answer in time.");

    public static readonly Counter<long> TailedRows = Counter(
        "pgetcd_tail_rows_total", "Rows taken in from the log that this frontend did not write, or that it read before its append was answered.");

    public static readonly Counter<long> Loads = Counter(
        "pgetcd_state_loads_total", "Times that the whole state was loaded anew while serving, because the log did not go on from it.");

    public static readonly Histogram<double> ApplyLagSeconds = Histogram(
        "pgetcd_apply_lag_seconds", 0.0001, 18, "From a notification of another frontend's write to its being taken in here.");

    /// <summary>A batch was committed.</summary>
    /// <param name="batch">The batch, its writes answered.</param>
    /// <param name="elapsed">How long it took.</param>
    public static void Committed(Batch batch, TimeSpan elapsed)
    {
        BatchWrites.Record(batch.Writes.Count);
        PutBytes.Add(batch.Events.Sum(static change => change.Record is { } record ? change.Key.Length + record.ValueMemory.Length : 0L));
        if (elapsed > SlowApply)
        {
            SlowApplies.Add(1);
        }

        Tally tally = default;
        double seconds = elapsed.TotalSeconds;
        foreach (PendingWrite write in batch.Writes)
        {
            if (write.Answer.Error is KvError.HistoryNeeded or KvError.AuthMoved)
            {
                continue; // comes again
            }

            (write.Operation switch
            {
                PutOperation => PutSeconds,
                TxnOperation => TxnSeconds,
                DeleteRangeOperation => DeleteSeconds,
                _ => RevokeSeconds,
            }).Record(seconds, isDone: write.Answer.Error == KvError.None);
            if (write.Answer.Result is { } result) // a write that was refused has none
            {
                tally.Add(result);
            }
        }

        tally.Report();
    }

    /// <summary>The mark was moved, or was not.</summary>
    public static void Compacted(KvError error, long started) => CompactionSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, error == KvError.None);

    /// <summary>A range was asked for.</summary>
    public static void Read() => Ranges.Add(1);

    /// <summary>A range was read.</summary>
    public static void Ranged(KvError error, long started) =>
        (error == KvError.None ? RangeSeconds : FailedRangeSeconds).RecordSince(started);

    /// <summary>A transaction that only reads was answered.</summary>
    /// <param name="result">Its answer; null when it was refused.</param>
    public static void Read(TxnResult? result)
    {
        if (result is not null)
        {
            Tally tally = default;
            tally.Add(result);
            tally.Report();
        }
    }

    private static Histogram<double> RangeHistogram(string success) => Histogram(
        "etcd_server_range_duration_seconds", 0.0001, 20, "The latency distributions of txn.Range: without the read barrier before it.",
        new KeyValuePair<string, object?>("success", success));

    /// <summary>How long one kind of request takes to be applied.</summary>
    private sealed class ApplySeconds(string op)
    {
        private readonly Histogram<double> _done = Of(op, "true");
        private readonly Histogram<double> _failed = Of(op, "false");

        public void Record(double seconds, bool isDone) => (isDone ? _done : _failed).Record(seconds);

        private static Histogram<double> Of(string op, string success) => Histogram(
            "etcd_server_apply_duration_seconds", 0.0001, 20, "The latency distributions of apply: of the batch that a write is in, with its append.",
            new KeyValuePair<string, object?>("version", "v3"), new KeyValuePair<string, object?>("op", op), new KeyValuePair<string, object?>("success", success));
    }

    /// <summary>Operations of one batch.</summary>
    private struct Tally
    {
        private int _puts;
        private int _deletes;
        private int _txns;
        private int _ranges;

        public void Add(OperationResult result)
        {
            switch (result)
            {
                case PutResult:
                    _puts++;
                    break;
                case DeleteRangeResult:
                    _deletes++;
                    break;
                case RangeResult:
                    _ranges++;
                    break;
                case TxnResult txn:
                    // As in etcd, a transaction of one operation counts as that operation only.
                    _txns += txn.Results.Length > 1 ? 1 : 0;
                    foreach (OperationResult inner in txn.Results)
                    {
                        Add(inner);
                    }

                    break;
            }
        }

        public readonly void Report()
        {
            Report(Puts, _puts);
            Report(Deletes, _deletes);
            Report(Txns, _txns);
            Report(Ranges, _ranges);
        }

        private static void Report(Counter<long> counter, int count)
        {
            if (count > 0)
            {
                counter.Add(count);
            }
        }
    }
}
