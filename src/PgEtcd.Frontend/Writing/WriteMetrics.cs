using System.Diagnostics;
using System.Diagnostics.Metrics;
using PgEtcd.Frontend.Reading;
using PgEtcd.Mvcc;
using PgEtcd.Postgres.Metrics;
using PgEtcd.Protocol;

namespace PgEtcd.Frontend.Writing;

/// <summary>The metrics of writes.</summary>
internal static class WriteMetrics
{
    /// <summary>etcd's --warning-apply-duration.</summary>
    private static readonly TimeSpan SlowApply = TimeSpan.FromMilliseconds(100);

    private static readonly Histogram<double> BatchWrites = FrontendMeter.Meter.Histogram(
        "pgetcd_append_batch_writes", 1, 11, "How many write requests were committed together.");

    private static readonly Counter<long> SlowApplies = FrontendMeter.Meter.Counter(
        "etcd_server_slow_apply_total", "The total number of batches of writes that took longer than 100 ms to commit.");

    private static readonly ApplySeconds PutSeconds = new("Put");

    private static readonly ApplySeconds DeleteSeconds = new("DeleteRange");

    private static readonly ApplySeconds TxnSeconds = new("Txn");

    private static readonly ApplySeconds RevokeSeconds = new("LeaseRevoke");

    private static readonly ApplySeconds CompactionSeconds = new("Compaction");

    private static readonly UpDownCounter<long> PutBytes = FrontendMeter.Meter.UpDown(
        "etcd_debugging_mvcc_total_put_size_in_bytes", "The total size of put kv pairs seen by this member.");

    public static readonly Counter<long> Conflicts = FrontendMeter.Meter.Counter(
        "pgetcd_append_conflicts_total",
        "Appends that were refused because another frontend had changed what they read; they were evaluated again.");

    public static readonly Counter<long> Moved = FrontendMeter.Meter.Counter(
        "pgetcd_append_moved_total", "Batches that were appended behind rows of other writers, which had changed nothing that they read.");

    public static readonly Counter<long> Locked = FrontendMeter.Meter.Counter(
        "pgetcd_append_locked_total", "Batches that were evaluated under the lock, after conflicts in a row.");

    public static readonly Counter<long> FailedWrites = FrontendMeter.Meter.Counter(
        "etcd_server_proposals_failed_total", "The total number of writes that failed because the database did not answer in time.");

    /// <summary>Measures a committed batch.</summary>
    /// <param name="batch">The batch, its writes answered.</param>
    /// <param name="elapsed">The duration of the commit.</param>
    public static void Committed(Batch batch, TimeSpan elapsed)
    {
        BatchWrites.Record(batch.Writes.Count);
        PutBytes.Add(batch.Events.Sum(static change => change.Record is { } record ? change.Key.Length + record.ValueMemory.Length : 0L));
        if (elapsed > SlowApply)
        {
            SlowApplies.Add(1);
        }

        OperationTally tally = default;
        double seconds = elapsed.TotalSeconds;
        foreach (PendingWrite write in batch.Writes)
        {
            if (write.Answer.Retry != WriteRetry.None)
            {
                continue; // it will be retried
            }

            (write.Operation switch
            {
                PutOperation => PutSeconds,
                TxnOperation => TxnSeconds,
                DeleteRangeOperation => DeleteSeconds,
                _ => RevokeSeconds,
            }).Record(seconds, isDone: write.Answer.Error is null);
            if (write.Answer.Result is { } result) // a write that was refused has none
            {
                tally.Add(result);
            }
        }

        tally.Report();
    }

    /// <summary>Measures an attempt to move the compaction mark.</summary>
    public static void Compacted(EtcdError? error, long started) =>
        CompactionSeconds.Record(Stopwatch.GetElapsedTime(started).TotalSeconds, error is null);

    /// <summary>How long one kind of request takes to be applied.</summary>
    private sealed class ApplySeconds(string op)
    {
        private readonly Histogram<double> _done = Of(op, "true");
        private readonly Histogram<double> _failed = Of(op, "false");

        public void Record(double seconds, bool isDone) => (isDone ? _done : _failed).Record(seconds);

        private static Histogram<double> Of(string op, string success) => FrontendMeter.Meter.Histogram(
            "etcd_server_apply_duration_seconds", 0.0001, 20,
            "The latency distributions of apply: of the batch that a write is in, with its append.",
            new KeyValuePair<string, object?>("version", "v3"), new KeyValuePair<string, object?>("op", op),
            new KeyValuePair<string, object?>("success", success));
    }
}
