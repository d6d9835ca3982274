using Google.Protobuf;
using Grpc.Core;
using PgEtcd.Api.Wire;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>The methods of etcdserverpb.KV as gRPC binds them: generated requests, answers that encode themselves.</summary>
internal static class KvMethods
{
    private const string Service = "etcdserverpb.KV";

    private static readonly Method<RangeRequest, KvReply> Range = Unary(nameof(KvService.Range), RangeRequest.Parser);

    private static readonly Method<RangeRequest, KvReply> RangeStream = new(
        MethodType.ServerStreaming, Service, nameof(KvService.RangeStream), Messages(RangeRequest.Parser), KvReply.StreamMarshaller);

    private static readonly Method<PutRequest, KvReply> Put = Unary(nameof(KvService.Put), PutRequest.Parser);

    private static readonly Method<DeleteRangeRequest, KvReply> DeleteRange =
        Unary(nameof(KvService.DeleteRange), DeleteRangeRequest.Parser);

    private static readonly Method<TxnRequest, KvReply> Txn = Unary(nameof(KvService.Txn), TxnRequest.Parser);

    private static readonly Method<CompactionRequest, CompactionResponse> Compact = new(
        MethodType.Unary, Service, nameof(KvService.Compact), Messages(CompactionRequest.Parser), Messages(CompactionResponse.Parser));

    /// <summary>Binds the methods, as generated code does.</summary>
    public static void Bind(ServiceBinderBase binder, KvService service)
    {
        binder.AddMethod(Range, service.Range);
        binder.AddMethod(RangeStream, service.RangeStream);
        binder.AddMethod(Put, service.Put);
        binder.AddMethod(DeleteRange, service.DeleteRange);
        binder.AddMethod(Txn, service.Txn);
        binder.AddMethod(Compact, service.Compact);
    }

    private static Method<TRequest, KvReply> Unary<TRequest>(string name, MessageParser<TRequest> parser)
        where TRequest : class, IMessage<TRequest> =>
        new(MethodType.Unary, Service, name, Messages(parser), KvReply.Marshaller);

    internal static Marshaller<T> Messages<T>(MessageParser<T> parser)
        where T : class, IMessage<T> => Marshallers.Create<T>(
        static (message, context) =>
        {
            context.SetPayloadLength(message.CalculateSize());
            message.WriteTo(context.GetBufferWriter());
            context.Complete();
        },
        context => parser.ParseFrom(context.PayloadAsReadOnlySequence()));
}
