using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Server.Wire;

namespace PgEtcd.Server.Services;

/// <summary>The method of etcdserverpb.Watch as gRPC binds it: generated requests, responses that encode themselves.</summary>
internal static class WatchMethods
{
    private static readonly Method<WatchRequest, WatchReply> Watch = new(
        MethodType.DuplexStreaming, "etcdserverpb.Watch", nameof(WatchService.Watch),
        KvMethods.Messages(WatchRequest.Parser), WatchReply.Marshaller);

    /// <summary>As generated code does it.</summary>
    public static void Bind(ServiceBinderBase binder, WatchService service) => binder.AddMethod(Watch, service.Watch);
}
