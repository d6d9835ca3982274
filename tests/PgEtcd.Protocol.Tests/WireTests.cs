using Google.Protobuf.Reflection;
using PgEtcd.Protocol.Authpb;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.Mvccpb;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using Shouldly;
using Xunit;
using AnnotationsExtensions = Google.Api.AnnotationsExtensions;
using HttpRule = Google.Api.HttpRule;

namespace PgEtcd.Protocol.Tests;

/// <summary>The compiled descriptors equal etcd's; <c>wire.txt</c> holds the facts.</summary>
public sealed class WireTests
{
    private static readonly FileDescriptor[] Files =
    [
        RpcReflection.Descriptor, KvReflection.Descriptor, AuthReflection.Descriptor,
        V3LockReflection.Descriptor, V3ElectionReflection.Descriptor, HealthReflection.Descriptor,
    ];

    [Theory]
    [InlineData("message")]
    [InlineData("field")]
    [InlineData("enum")]
    [InlineData("rpc")]
    public void Every_fact_of_the_wire_table_is_in_the_protos_and_nothing_else(string kind)
    {
        HashSet<string> expected = FactTable
            .Read("wire.txt").Where(line => line.StartsWith(kind + " ", StringComparison.Ordinal)).ToHashSet();
        HashSet<string> actual = Files
            .SelectMany(Describe).Where(line => line.StartsWith(kind + " ", StringComparison.Ordinal)).ToHashSet();

        expected.Count.ShouldBeGreaterThan(5);
        expected.Except(actual).ShouldBeEmpty("in the table, not in the protos");
        actual.Except(expected).ShouldBeEmpty("in the protos, not in the table");
    }

    private static IEnumerable<string> Describe(FileDescriptor file) =>
        file.MessageTypes.SelectMany(Describe)
            .Concat(file.EnumTypes.Select(Describe))
            .Concat(file.Services.SelectMany(service => service.Methods).Select(Describe));

    private static IEnumerable<string> Describe(MessageDescriptor message) =>
        message.Fields.InFieldNumberOrder().Select(Describe)
            .Prepend($"message {message.FullName}")
            .Concat(message.EnumTypes.Select(Describe));

    private static string Describe(FieldDescriptor field)
    {
        string type = field.IsMap
            ? $"map<{TypeOf(field.MessageType.FindFieldByNumber(1))},{TypeOf(field.MessageType.FindFieldByNumber(2))}>"
            : TypeOf(field) + (field.IsRepeated ? "[]" : "");
        string oneof = field.RealContainingOneof is { } containing ? " " + containing.Name : "";
        return $"field {field.ContainingType.FullName} {field.FieldNumber} {field.Name} {type}{oneof}";
    }

    private static string TypeOf(FieldDescriptor field) => field.FieldType switch
    {
        FieldType.Message => field.MessageType.FullName,
        FieldType.Enum => field.EnumType.FullName,
        var scalar => scalar.ToString().ToLowerInvariant(),
    };

    private static string Describe(EnumDescriptor type) =>
        $"enum {type.FullName} {string.Join(' ', type.Values.Select(value => $"{value.Number}={value.Name}"))}";

    private static string Describe(MethodDescriptor method)
    {
        string kind = (method.IsClientStreaming, method.IsServerStreaming) switch
        {
            (false, false) => "U",
            (false, true) => "SS",
            (true, false) => "CS",
            (true, true) => "BD",
        };
        HttpRule? rule = method.GetOptions()?.GetExtension(AnnotationsExtensions.Http);
        IEnumerable<string> routes = rule is null ? [] : rule.AdditionalBindings.Prepend(rule).Select(Route);
        return string.Join(' ', routes.Prepend(
            $"rpc /{method.Service.FullName}/{method.Name} {kind} {method.InputType.FullName} {method.OutputType.FullName}"));
    }

    /// <summary>The path of a route; one that is not a POST with the whole body would stand out in the comparison.</summary>
    private static string Route(HttpRule rule) =>
        rule is { PatternCase: HttpRule.PatternOneofCase.Post, Body: "*" } ? rule.Post : $"not POST with body *: {rule}";
}
