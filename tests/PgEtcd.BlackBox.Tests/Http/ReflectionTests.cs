using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using Grpc.Reflection.V1;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Testing.Grpc;
using Shouldly;
using Xunit;

namespace PgEtcd.BlackBox.Tests.Http;

/// <summary>Server reflection, as used by grpcurl.</summary>
public sealed class ReflectionTests(OneServer one) : IClassFixture<OneServer>
{
    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha")]
    public async Task All_services_are_listed(string version)
    {
        (await AskAsync(version, new ServerReflectionRequest { Host = "h", ListServices = "*" })).ListServicesResponse.Service
            .Select(service => service.Name).ShouldBe(
        [
            "etcdserverpb.Auth", "etcdserverpb.Cluster", "etcdserverpb.KV", "etcdserverpb.Lease", "etcdserverpb.Maintenance",
            "etcdserverpb.Watch",
            "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection", "grpc.reflection.v1alpha.ServerReflection",
            "v3electionpb.Election", "v3lockpb.Lock",
        ]);
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha")]
    public async Task Reflection_alone_suffices_to_call_a_method(string version)
    {
        ServerReflectionResponse files = await AskAsync(version, new ServerReflectionRequest { FileContainingSymbol = "etcdserverpb.KV" });
        // As in a client: whole files, each once, with imports after the files that import them; the builder gets them in reverse.
        FileDescriptor rpc = Build(files).Single(file => file.Name == "etcdserverpb/rpc.proto");
        MethodDescriptor put = rpc.Services.Single(service => service.Name == "KV").Methods.Single(method => method.Name == "Put");
        put.IsClientStreaming.ShouldBeFalse();
        put.InputType.Fields.InFieldNumberOrder().Select(field => $"{field.FieldNumber} {field.Name}")
            .ShouldBe(["1 key", "2 value", "3 lease", "4 prev_kv", "5 ignore_value", "6 ignore_lease"]);

        using MemoryStream request = new();
        using (CodedOutputStream output = new(request, leaveOpen: true))
        {
            output.WriteTag((uint)put.InputType.FindFieldByName("key").FieldNumber << 3 | 2);
            output.WriteBytes(ByteString.CopyFromUtf8("reflected"));
        }

        byte[] answer = await one.Channel.UnaryRawAsync($"{put.Service.FullName}/{put.Name}", request.ToArray());
        PutResponse.Parser.ParseFrom(answer).Header.Revision.ShouldBeGreaterThan(1);
    }

    [Theory]
    [InlineData("etcdserverpb.KV.Range")]
    [InlineData("etcdserverpb.PutRequest")]
    [InlineData("etcdserverpb.WatchCreateRequest.FilterType")]
    public async Task Every_kind_of_symbol_is_found(string symbol) =>
        First(await AskAsync("v1", new ServerReflectionRequest { FileContainingSymbol = symbol })).Name.ShouldBe("etcdserverpb/rpc.proto");

    [Fact]
    public async Task Files_and_extensions_are_found()
    {
        First(await AskAsync("v1", new ServerReflectionRequest { FileByFilename = "mvccpb/kv.proto" })).Package.ShouldBe("mvccpb");
        First(await AskAsync("v1", new ServerReflectionRequest { FileByFilename = "google/api/annotations.proto" })).Package
            .ShouldBe("google.api");
    }

    [Fact]
    public async Task An_unknown_symbol_is_an_answer_and_not_the_end_of_the_stream()
    {
        await using GrpcDuplexCall<ServerReflectionRequest, ServerReflectionResponse> call =
            one.Channel.Duplex<ServerReflectionRequest, ServerReflectionResponse>(
                "grpc.reflection.v1.ServerReflection/ServerReflectionInfo");
        (ServerReflectionRequest Request, StatusCode Code)[] refused =
        [
            (new() { FileByFilename = "none.proto" }, StatusCode.NotFound),
            (new() { FileContainingSymbol = "etcdserverpb.None" }, StatusCode.NotFound),
            (
                new() { FileContainingExtension = new ExtensionRequest { ContainingType = "none", ExtensionNumber = 1 } },
                StatusCode.Unimplemented),
            (new() { AllExtensionNumbersOfType = "none" }, StatusCode.Unimplemented),
            (new(), StatusCode.Unimplemented),
        ];
        foreach ((ServerReflectionRequest request, StatusCode code) in refused)
        {
            await call.WriteAsync(request);
            ErrorResponse error = (await call.ReadAsync()).ErrorResponse;
            error.ErrorCode.ShouldBe((int)code);
            error.ErrorMessage.ShouldNotBeEmpty();
        }

        await call.WriteAsync(new ServerReflectionRequest { FileContainingSymbol = "mvccpb.KeyValue" });
        First(await call.ReadAsync()).Name.ShouldBe("mvccpb/kv.proto");
    }

    private static FileDescriptorProto First(ServerReflectionResponse response) =>
        FileDescriptorProto.Parser.ParseFrom(response.FileDescriptorResponse.FileDescriptorProto[0]);

    private static IReadOnlyList<FileDescriptor> Build(ServerReflectionResponse response)
    {
        Dictionary<string, ByteString> files = response.FileDescriptorResponse.FileDescriptorProto
            .ToDictionary(file => FileDescriptorProto.Parser.ParseFrom(file).Name);
        List<ByteString> ordered = [];
        foreach (string name in files.Keys)
        {
            Visit(name);
        }

        return FileDescriptor.BuildFromByteStrings(ordered);

        void Visit(string name)
        {
            if (!ordered.Contains(files[name]))
            {
                foreach (string imported in FileDescriptorProto.Parser.ParseFrom(files[name]).Dependency)
                {
                    Visit(imported);
                }

                ordered.Add(files[name]);
            }
        }
    }

    private async Task<ServerReflectionResponse> AskAsync(string version, ServerReflectionRequest request)
    {
        await using GrpcDuplexCall<ServerReflectionRequest, ServerReflectionResponse> call =
            one.Channel.Duplex<ServerReflectionRequest, ServerReflectionResponse>(
                $"grpc.reflection.{version}.ServerReflection/ServerReflectionInfo");
        await call.WriteAsync(request);
        ServerReflectionResponse response = await call.ReadAsync();
        await call.CompleteAsync();
        return response;
    }
}
