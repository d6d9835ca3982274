using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Metrics;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend.Watching;
using PgEtcd.Mvcc.Keys;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;
using Filter = PgEtcd.Protocol.Etcdserverpb.WatchCreateRequest.Types.FilterType;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.Watch: one stream carries many watches (semantics.md §7).</summary>
/// <remarks>Bound by hand, because its responses are not messages but <see cref="WatchUpdate"/>.</remarks>
internal sealed class WatchService(
    WatchHub hub, Admission admission, WatchEncoding encoding, RequestLimits limits, IHostApplicationLifetime lifetime,
    ILogger<WatchService> logger)
{
    /// <summary>Binds the method, as generated code does.</summary>
    public void Bind(ServiceBinderBase binder) => binder.AddMethod(
        new Method<WatchRequest, WatchUpdate>(
            MethodType.DuplexStreaming, "etcdserverpb.Watch", nameof(Watch), Messages.Of(WatchRequest.Parser), encoding.Marshaller),
        Watch);

    /// <summary>Serves a stream until the client leaves. The end of the client's requests does not end the stream.</summary>
    public async Task Watch(
        IAsyncStreamReader<WatchRequest> requests, IServerStreamWriter<WatchUpdate> responses, ServerCallContext context)
    {
        using CancellationTokenSource ended = CancellationTokenSource.CreateLinkedTokenSource(
            context.CancellationToken, lifetime.ApplicationStopping);
        WatchEnding ending = new(logger, context.CancellationToken, lifetime.ApplicationStopping);
        WatchStream stream = hub.Open();
        try
        {
            Task writing = WriteAsync(stream, responses, ending, ended);
            await ReadAsync(stream, requests, context, ended.Token);
            await writing.WaitAsync(ended.Token);
        }
        catch (OperationCanceledException exception)
        {
            ending.Failed(exception);
        }
        finally
        {
            hub.Close(stream);
        }

        throw ending.ToException();
    }

    private async Task ReadAsync(
        WatchStream stream, IAsyncStreamReader<WatchRequest> requests, ServerCallContext context, CancellationToken ended)
    {
        while (await StreamMetrics.ReceiveAsync(requests, StreamMetrics.WatchReceives, ended))
        {
            WatchRequest request = requests.Current;
            switch (request.RequestUnionCase)
            {
                case WatchRequest.RequestUnionOneofCase.CreateRequest:
                    WatchTarget target = Target(request.CreateRequest);
                    // The stream refuses a negative start, for every caller in the same words (errors.md §3).
                    if (target.StartRevision >= 0 && admission.MayBeOn && await RefusalAsync(target.Range, context) is { } refusal)
                    {
                        stream.Refuse(refusal);
                    }
                    else
                    {
                        stream.Create(request.CreateRequest.WatchId, target);
                    }

                    break;
                case WatchRequest.RequestUnionOneofCase.CancelRequest:
                    stream.Cancel(request.CancelRequest.WatchId);
                    break;
                case WatchRequest.RequestUnionOneofCase.ProgressRequest:
                    stream.TellProgress();
                    break;
            }

            // Answers wait in the queue, so nothing more is read from a client that does not read its answers.
            await stream.Queue.RoomAsync().WaitAsync(ended);
        }
    }

    /// <summary>The reason for refusing a watch, in etcd's words (errors.md §3); null if the watch is permitted. A permitted watch stays,
    /// whatever changes later.</summary>
    private async Task<string?> RefusalAsync(KeyRange range, ServerCallContext context)
    {
        try
        {
            EtcdError? error = (await admission.AdmitFreshAsync(context)).CheckRead(range);
            return error is null ? null : Words(error.Status);
        }
        catch (RpcException exception)
        {
            return Words(exception.Status);
        }

        static string Words(Status status) => $"rpc error: code = {status.StatusCode} desc = {status.Detail}";
    }

    private async Task WriteAsync(
        WatchStream stream, IServerStreamWriter<WatchUpdate> responses, WatchEnding ending, CancellationTokenSource ended)
    {
        try
        {
            while (await stream.Queue.WaitAsync())
            {
                while (stream.Queue.TryTake(out WatchUpdate? update, out bool isLast))
                {
                    if (!update.MayBeCut)
                    {
                        await responses.WriteAsync(update, moreFollows: !isLast);
                        continue;
                    }

                    foreach (WatchUpdate piece in encoding.Cut(update, limits.MaxMessageBytes))
                    {
                        await responses.WriteAsync(piece, moreFollows: piece.IsCut || !isLast);
                    }
                }
            }
        }
        catch (Exception exception)
        {
            StreamMetrics.WatchSends.Add(exception is OperationCanceledException ? 0 : 1);
            ending.Failed(exception);
        }
        finally
        {
            ending.Closed();
            await ended.CancelAsync(); // the client is gone, or the stream was closed: the reader need not wait
        }
    }

    private static WatchTarget Target(WatchCreateRequest request) => new(
        // An empty key stands for the lowest possible key.
        new KeyRange(request.Key.IsEmpty ? new byte[1] : request.Key.Memory, request.RangeEnd.Memory),
        request.StartRevision,
        request.Filters.Contains(Filter.Noput),
        request.Filters.Contains(Filter.Nodelete),
        request.PrevKv,
        request.ProgressNotify,
        request.Fragment);
}
