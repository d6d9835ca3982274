using System.Diagnostics.Tracing;

namespace PgEtcd.Server.Tracing;

/// <summary>Logs, once a minute at most, that traces do not arrive. The exporter reports it to an event source and nowhere
/// else.</summary>
/// <param name="collector">The collector.</param>
/// <param name="logger">The log.</param>
/// <param name="clock">Measures the minute.</param>
internal sealed class TraceFailures(Uri collector, ILogger logger, TimeProvider clock) : EventListener
{
    private const string ExporterSource = "OpenTelemetry-Exporter-OpenTelemetryProtocol";
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    /// <summary>The events that mean that spans were lost. The exporter gives most of them the level of information.</summary>
    private static readonly string[] Losses =
    [
        "TransientHttpError", "HttpRequestFailed", "RequestTimedOut", "OperationUnexpectedlyCanceled", "GrpcStatusWarning", "ExportFailure",
        "ExportMethodException", "FailedToReachCollector",
    ];

    private long _told;

    /// <inheritdoc/>
    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == ExporterSource)
        {
            EnableEvents(eventSource, EventLevel.Informational);
        }
    }

    /// <inheritdoc/>
    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        // The base class begins to listen in its constructor; the parameters are set before.
        if (!Losses.Contains(eventData.EventName))
        {
            return;
        }

        long now = clock.GetTimestamp();
        long told = Interlocked.Read(ref _told);
        if ((told == 0 || clock.GetElapsedTime(told, now) >= Pause) && Interlocked.CompareExchange(ref _told, now, told) == told)
        {
            // The last value of the event is an exception with its stack; its first line suffices.
            string reason = eventData.Payload is [.., string last] ? last.Split('\n', 2)[0].TrimEnd('\r', '.') : eventData.EventName ?? "";
            Log.TracesLost(logger, collector, reason);
        }
    }
}
