using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Wire;
using PgEtcd.Frontend;
using PgEtcd.Frontend.Compaction;
using PgEtcd.Frontend.Maintenance;
using PgEtcd.Frontend.Permissions;
using PgEtcd.Frontend.Reading;
using PgEtcd.Frontend.Writing;
using PgEtcd.Mvcc;
using PgEtcd.Protocol;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>etcdserverpb.KV: turns requests into plain values, checks them, has them evaluated and answers.</summary>
/// <remarks>Bound by hand, because its answers are not messages but <see cref="KvReply"/>.</remarks>
internal sealed class KvService(
    KeyReader reader, KeyWriter writer, CompactionMark mark, Quota quota, Admission admission, ResponseHeaders headers,
    RequestLimits limits)
{
    /// <summary>Bytes that etcd adds to a proposed request before measuring it: a header with an id of up to 10 bytes, and the
    /// request's own tag.</summary>
    private const int ProposalOverhead = 15;

    /// <summary>Binds the methods, as generated code does.</summary>
    public void Bind(ServiceBinderBase binder)
    {
        binder.AddMethod(Method(nameof(Range), RangeRequest.Parser, KvReply.Marshaller), Range);
        binder.AddMethod(
            Method(nameof(RangeStream), RangeRequest.Parser, KvReply.StreamMarshaller, MethodType.ServerStreaming), RangeStream);
        binder.AddMethod(Method(nameof(Put), PutRequest.Parser, KvReply.Marshaller), Put);
        binder.AddMethod(Method(nameof(DeleteRange), DeleteRangeRequest.Parser, KvReply.Marshaller), DeleteRange);
        binder.AddMethod(Method(nameof(Txn), TxnRequest.Parser, KvReply.Marshaller), Txn);
        binder.AddMethod(Method(nameof(Compact), CompactionRequest.Parser, Messages.Of(CompactionResponse.Parser)), Compact);
    }

    public Task<KvReply> Range(RangeRequest request, ServerCallContext context)
    {
        RangeOperation operation = request.ToOperation();
        Check(operation);
        ValueTask<ReadAnswer<RangeResult>> answer = admission.ReadAsync((reader, operation), context, static (read, caller) =>
        {
            Demand(caller, read.operation);
            return read.reader.RangeAsync(read.operation, isCaughtUp: caller.IsChecked);
        });
        return answer.IsCompletedSuccessfully ? Task.FromResult(Reply(answer.Result)) : ReplyAsync(answer);
    }

    /// <summary>The answer of Range in pieces, all of one revision (3.7).</summary>
    public async Task RangeStream(RangeRequest request, IServerStreamWriter<KvReply> responses, ServerCallContext context)
    {
        RangeOperation operation = request.ToOperation();
        Check(operation);
        RangePieces.CheckSupported(operation);
        (EtcdError? error, KeySpace? state, long headerRevision) = await admission.ReadAsync(
            (reader, operation),
            context,
            static (read, caller) =>
            {
                Demand(caller, read.operation);
                return new ValueTask<(EtcdError? Error, KeySpace? State, long HeaderRevision)>(
                    read.reader.PinAsync(read.operation, isCaughtUp: caller.IsChecked));
            });
        error.ThrowIfAny();
        foreach (RangeResult piece in RangePieces.Read(state!, headerRevision, operation, limits.MaxRequestBytes))
        {
            await responses.WriteAsync(new KvReply(headers, piece) { HasHeader = piece.Revision != 0 });
        }
    }

    public Task<KvReply> Put(PutRequest request, ServerCallContext context) =>
        WriteAsync(request.ToOperation(), request.CalculateSize(), context);

    public Task<KvReply> DeleteRange(DeleteRangeRequest request, ServerCallContext context) =>
        WriteAsync(request.ToOperation(), request.CalculateSize(), context);

    public Task<KvReply> Txn(TxnRequest request, ServerCallContext context)
    {
        TxnOperation operation = request.ToOperation();
        if (!operation.IsReadOnly)
        {
            return WriteAsync(operation, request.CalculateSize(), context);
        }

        Check(operation);
        return ReplyAsync(admission.ReadAsync((reader, operation), context, static (read, caller) =>
        {
            Demand(caller, read.operation);
            return new ValueTask<ReadAnswer<TxnResult>>(read.reader.ReadOnlyTxnAsync(read.operation, isCaughtUp: caller.IsChecked));
        }));
    }

    /// <summary>Moves the compaction mark; <c>physical</c> waits for the removal of superseded rows.</summary>
    public async Task<CompactionResponse> Compact(CompactionRequest request, ServerCallContext context)
    {
        Origin origin = new(await admission.AdmitAsync(context), context.Peer);
        (await mark.CompactAsync(request.Revision, origin, request.Physical, context.CancellationToken)).ThrowIfAny();
        return new CompactionResponse { Header = headers.At(reader.Current.Revision) };
    }

    private static Method<TRequest, TResponse> Method<TRequest, TResponse>(
        string name, MessageParser<TRequest> requests, Marshaller<TResponse> responses, MethodType type = MethodType.Unary)
        where TRequest : IMessage<TRequest> => new(type, "etcdserverpb.KV", name, Messages.Of(requests), responses);

    private Task<KvReply> WriteAsync(Operation operation, int size, ServerCallContext context) =>
        quota.IsOn ? WriteWithinQuotaAsync(operation, size, context) : CommitAsync(operation, size, context);

    /// <summary>As in etcd, the quota is checked before the request (errors.md §2).</summary>
    private async Task<KvReply> WriteWithinQuotaAsync(Operation operation, int size, ServerCallContext context)
    {
        using Quota.Room room = await quota.ReserveAsync(WriteCost.Of(operation)) ?? throw EtcdErrors.NoSpace.ToException();
        return await CommitAsync(operation, size, context);
    }

    private async Task<KvReply> CommitAsync(Operation operation, int size, ServerCallContext context)
    {
        Check(operation);
        if (size + CodedOutputStream.ComputeLengthSize(size) + ProposalOverhead > limits.MaxRequestBytes)
        {
            throw EtcdErrors.RequestTooLarge.ToException();
        }

        WriteAnswer answer = await admission.WriteAsync(
            (writer, operation, size), context, static (write, origin) => write.writer.WriteAsync(write.operation, write.size, origin));
        return Reply(answer.Error, answer.Result);
    }

    private async Task<KvReply> ReplyAsync<T>(ValueTask<ReadAnswer<T>> answer)
        where T : OperationResult => Reply(await answer);

    /// <summary>Refuses a caller without permission for everything that an operation reads.</summary>
    private static void Demand(Caller caller, Operation operation) => Access.Check(caller, operation, static _ => []).ThrowIfAny();

    private void Check(Operation operation) => RequestCheck.Check(operation, limits.MaxTxnOps).ToEtcd().ThrowIfAny();

    private KvReply Reply<T>(ReadAnswer<T> answer)
        where T : OperationResult => Reply(answer.Error, answer.Result);

    private KvReply Reply(EtcdError? error, OperationResult? result)
    {
        error.ThrowIfAny();
        return new KvReply(headers, result!);
    }
}
