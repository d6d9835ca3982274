using Grpc.Core;
using Grpc.Reflection;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using ServiceDescriptor = Google.Protobuf.Reflection.ServiceDescriptor;
using V1 = Grpc.Reflection.V1;
using V1Alpha = Grpc.Reflection.V1Alpha;

namespace PgEtcd.Api.Services;

/// <summary>grpc.reflection, for grpcurl and other clients without proto files. etcd has none.</summary>
internal static class ReflectionService
{
    private static readonly ServiceDescriptor[] Services =
    [
        .. new[]
            {
                RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor, HealthReflection.Descriptor,
                V1.ReflectionReflection.Descriptor, V1Alpha.ReflectionReflection.Descriptor,
            }
            .SelectMany(file => file.Services)
            .OrderBy(service => service.FullName, StringComparer.Ordinal),
    ];

    /// <summary>Binds both versions.</summary>
    public static void Bind(ServiceBinderBase binder)
    {
        V1.ServerReflection.BindService(binder, new ReflectionV1ServiceImpl(Services));
        V1Alpha.ServerReflection.BindService(binder, new ReflectionServiceImpl(Services));
    }
}
