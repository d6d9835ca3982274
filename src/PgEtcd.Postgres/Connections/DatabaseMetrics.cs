using System.Collections.Concurrent;
using System.Diagnostics;
using System.Diagnostics.Metrics;
using Npgsql;
using PgEtcd.Postgres.Metrics;

namespace PgEtcd.Postgres.Connections;

/// <summary>Every metric of the database layer. An instrument's name is the metric's, and its description the HELP.</summary>
public static class DatabaseMetrics
{
    private static readonly Meter Meter = new("PgEtcd.Postgres");
    private static readonly ConcurrentDictionary<string, long> Errors = new();

    /// <summary>etcd's two disk metrics both show the duration of an append here, for etcd's dashboards and alerts.</summary>
    private static readonly Histogram<double>[] AppendSeconds =
    [
        Meter.Histogram("etcd_disk_wal_fsync_duration_seconds", 0.001, 14,
            "The latency distributions of making writes durable: the round trip to PostgreSQL of an append with its commit."),
        Meter.Histogram("etcd_disk_backend_commit_duration_seconds", 0.001, 14,
            "The latency distributions of commit: the round trip to PostgreSQL of an append with its commit."),
        Meter.Histogram("pgetcd_append_duration_seconds", 0.0001, 18,
            "How long an append took, from the statement to its commit's return."),
    ];

    /// <summary>A gauge, as in etcd, although the value only grows.</summary>
    private static readonly UpDownCounter<long> AppendedBytes = Meter.UpDown(
        "etcd_disk_wal_write_bytes_total", "Bytes of keys and values appended to the log by this frontend.");

    private static readonly Counter<long> AppendedRows = Meter.Counter(
        "pgetcd_append_rows_total", "Rows appended to the log by this frontend.");

    internal static readonly Histogram<double> PoolWaitSeconds = Meter.Histogram(
        "pgetcd_database_pool_wait_seconds", 0.0001, 18,
        "Time that appends and reads of the log waited for a connection, free or newly opened, when none was idle.");

    internal static readonly Counter<long> ConnectionsOpened = Meter.Counter(
        "pgetcd_database_connections_opened_total", "Connections to PostgreSQL opened.");

    internal static readonly Counter<long> ServerChanges = Meter.Counter(
        "pgetcd_database_server_changes_total", "Times that a connection reached another PostgreSQL than before: restarted or promoted.");

    internal static readonly Counter<long> Retries = Meter.Counter(
        "pgetcd_database_retries_total", "Statements repeated because PostgreSQL did not answer or the connection broke.");

    internal static readonly Counter<long> ListenLosses = Meter.Counter(
        "pgetcd_listen_losses_total", "Times that the LISTEN connection was lost.");

    internal static readonly Counter<long> BackgroundFailures = Meter.Counter(
        "pgetcd_background_failures_total",
        "Failures of background work (following the log, heartbeats, jobs, renewals); each is tried again.");

    internal static readonly Counter<long> Notified = Wakeups("notify");

    internal static readonly Counter<long> Polled = Wakeups("poll");

    static DatabaseMetrics() => Meter.CreateObservableCounter(
        "pgetcd_sql_errors_total",
        () => Errors.Select(error => new Measurement<long>(error.Value, new KeyValuePair<string, object?>("sqlstate", error.Key))),
        null,
        "Statements that PostgreSQL refused, by SQLSTATE; connection: no answer at all.");

    /// <summary>Creates all instruments, so that unused ones are exported as 0 instead of missing.</summary>
    public static void Register()
    {
        // The static constructor has run.
    }

    /// <summary>Counts a statement that failed.</summary>
    /// <param name="exception">An exception of Npgsql or of a broken connection; others are not counted.</param>
    public static void Failed(Exception exception)
    {
        string? state = exception switch
        {
            PostgresException refused => refused.SqlState,
            _ when DatabaseErrors.IsTransient(exception) => "connection",
            _ => null,
        };
        if (state is not null)
        {
            Errors.AddOrUpdate(state, 1, static (_, count) => count + 1);
        }
    }

    /// <summary>Measures an append that has written rows.</summary>
    /// <param name="rows">The number of rows.</param>
    /// <param name="bytes">Bytes of their keys and values.</param>
    /// <param name="started">A timestamp of <see cref="Stopwatch"/>.</param>
    internal static void Appended(int rows, long bytes, long started)
    {
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        foreach (Histogram<double> histogram in AppendSeconds)
        {
            histogram.Record(seconds);
        }

        AppendedBytes.Add(bytes);
        AppendedRows.Add(rows);
    }

    private static Counter<long> Wakeups(string cause) => Meter.Counter(
        "pgetcd_tail_wakeups_total", "Reads of the log for rows of others, woken by NOTIFY or by the clock.",
        new KeyValuePair<string, object?>("cause", cause));
}
