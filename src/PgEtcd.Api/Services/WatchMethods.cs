using Grpc.Core;
using PgEtcd.Frontend.Watching;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Services;

/// <summary>The method of etcdserverpb.Watch as gRPC binds it: generated requests, responses that <see cref="Wire.WatchEncoding"/>
/// writes.</summary>
internal static class WatchMethods
{
    /// <summary>Binds the method.</summary>
    public static void Bind(ServiceBinderBase binder, WatchService service) => binder.AddMethod(
        new Method<WatchRequest, WatchUpdate>(
            MethodType.DuplexStreaming, "etcdserverpb.Watch", nameof(WatchService.Watch),
            KvMethods.Messages(WatchRequest.Parser), service.Encoding.Marshaller),
        service.Watch);
}
