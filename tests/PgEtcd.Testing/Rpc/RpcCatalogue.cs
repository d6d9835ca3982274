using Google.Protobuf;
using Google.Protobuf.Reflection;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;

namespace PgEtcd.Testing.Rpc;

/// <summary>Every rpc by its name as on the wire, and messages as JSON with the proto field names.</summary>
public static class RpcCatalogue
{
    private static readonly Dictionary<string, MethodDescriptor> Methods =
        new[] { RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor, HealthReflection.Descriptor }
            .SelectMany(file => file.Services)
            .SelectMany(service => service.Methods)
            .ToDictionary(method => $"{method.Service.FullName}/{method.Name}");

    private static readonly JsonParser Parser = new(new JsonParser.Settings(Json.MaxDepth));
    private static readonly JsonFormatter Formatter = new(JsonFormatter.Settings.Default.WithPreserveProtoFieldNames(true));

    /// <summary>Every rpc.</summary>
    public static IReadOnlyCollection<MethodDescriptor> All => Methods.Values;

    /// <summary>The rpc named for instance <c>etcdserverpb.KV/Put</c>.</summary>
    public static MethodDescriptor Find(string name) =>
        Methods.TryGetValue(name, out MethodDescriptor? method)
            ? method
            : throw new ArgumentException($"There is no rpc {name}.", nameof(name));

    /// <summary>The encoded message that the JSON describes.</summary>
    public static byte[] Encode(MessageDescriptor type, string json) => Parser.Parse(json, type).ToByteArray();

    /// <summary>An encoded message as JSON.</summary>
    public static string Decode(MessageDescriptor type, byte[] message) => ToJson(type.Parser.ParseFrom(message));

    /// <summary>A message as JSON.</summary>
    public static string ToJson(IMessage message) => Formatter.Format(message);
}
