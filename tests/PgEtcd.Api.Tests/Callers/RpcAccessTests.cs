using Google.Protobuf.Reflection;
using PgEtcd.Api.Callers;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using Shouldly;
using Xunit;

namespace PgEtcd.Api.Tests.Callers;

/// <summary>The table of permissions per method.</summary>
public sealed class RpcAccessTests
{
    [Fact]
    [Trait("advisory", "CVE-2026-33413")]
    public void Every_method_of_every_service_is_in_the_table()
    {
        string[] methods =
            [.. new[] { RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor, HealthReflection.Descriptor,
                global::Grpc.Reflection.V1.ReflectionReflection.Descriptor,
                global::Grpc.Reflection.V1Alpha.ReflectionReflection.Descriptor }
            .SelectMany(file => file.Services).SelectMany(service => service.Methods).Select(Path)];

        methods.Length.ShouldBeGreaterThan(45);
        methods.Where(method => !RpcAccessTable.Has(method)).ShouldBeEmpty();
    }

    [Fact]
    public void A_method_that_is_not_in_the_table_is_for_root_only() =>
        RpcAccessTable.Of("/etcdserverpb.Maintenance/SomethingNew").ShouldBe(RpcAccess.Root);

    [Fact]
    public void Without_a_user_only_logins_and_health_checks_are_possible()
    {
        RpcReflection.Descriptor.Services.SelectMany(service => service.Methods).Select(Path)
            .Where(method => RpcAccessTable.Of(method) == RpcAccess.Anybody).ShouldBe(["/etcdserverpb.Auth/Authenticate"]);
        V3LockReflection.Descriptor.Services.Concat(V3ElectionReflection.Descriptor.Services).SelectMany(service => service.Methods)
            .Select(Path).Where(method => RpcAccessTable.Of(method) == RpcAccess.Anybody).ShouldBeEmpty();
    }

    private static string Path(MethodDescriptor method) => $"/{method.Service.FullName}/{method.Name}";
}
