using System.Diagnostics;
using Grpc.Core;
using PgEtcd.Postgres.Calls;

namespace PgEtcd.Api.Calls;

/// <summary>Starts a span for each call, as a child of the client's span if the call names one (W3C traceparent), with OpenTelemetry's
/// attributes for gRPC.</summary>
internal sealed class CallTracing : ICallWrapper
{
    /// <inheritdoc/>
    public CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler) =>
        async (argument, context) =>
        {
            using Activity? span = Start(context);
            try
            {
                TResult result = await handler(argument, context);
                End(span, context.Status.StatusCode);
                return result;
            }
            catch (Exception exception)
            {
                Fail(span, Endings.Translated(exception));
                throw;
            }
        };

    private static Activity? Start(ServerCallContext context)
    {
        Activity.Current = null;
        _ = ActivityContext.TryParse(
            context.RequestHeaders.GetValue("traceparent"), context.RequestHeaders.GetValue("tracestate"), isRemote: true,
            out ActivityContext client);
        string name = context.Method.TrimStart('/');
        Activity? span = Rehearsal.IsOn ? null : Spans.Source.StartActivity(name, ActivityKind.Server, client);
        if (span is { IsAllDataRequested: true })
        {
            string[] parts = name.Split('/', 2);
            span.SetTag("rpc.system", "grpc").SetTag("rpc.service", parts[0]).SetTag("rpc.method", parts[^1])
                .SetTag("network.peer.address", context.Peer);
        }

        return span;
    }

    private static void Fail(Activity? span, Exception exception) => End(span, exception is RpcException rpc ? rpc.StatusCode
        : exception is OperationCanceledException ? StatusCode.Cancelled : StatusCode.Unknown);

    /// <summary>Only codes that mean a fault of the server mark the span as an error: OpenTelemetry's rule for servers.</summary>
    private static void End(Activity? span, StatusCode code)
    {
        span?.SetTag("rpc.grpc.status_code", (int)code);
        if (code is StatusCode.Unknown or StatusCode.DeadlineExceeded or StatusCode.Unimplemented or StatusCode.Internal
            or StatusCode.Unavailable or StatusCode.DataLoss)
        {
            span?.SetStatus(ActivityStatusCode.Error, code.ToString());
        }
    }
}
