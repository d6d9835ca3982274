using System.Collections.Frozen;
using Google.Api;
using Google.Protobuf.Reflection;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;

namespace PgEtcd.Api.Gateway;

/// <summary>The routes of the gateway, as the protos declare them: all are POST with the whole body as the request.</summary>
internal static class GatewayRoutes
{
    private static readonly FileDescriptor[] Files =
        [RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor];

    /// <summary>Every method that has a route, by path.</summary>
    public static FrozenDictionary<string, MethodDescriptor> ByPath { get; } = Files
        .SelectMany(file => file.Services)
        .SelectMany(service => service.Methods)
        .SelectMany(method => Paths(method).Select(path => KeyValuePair.Create(path, method)))
        .ToFrozenDictionary(StringComparer.Ordinal);

    private static IEnumerable<string> Paths(MethodDescriptor method) =>
        method.GetOptions()?.GetExtension(AnnotationsExtensions.Http) is { } rule
            ? rule.AdditionalBindings.Prepend(rule).Select(binding => binding.Post)
            : [];
}
