using Google.Protobuf;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Protocol.Etcdserverpb;
using PgEtcd.Protocol.GrpcHealth;
using PgEtcd.Protocol.GrpcReflection.V1;
using PgEtcd.Protocol.V3Electionpb;
using PgEtcd.Protocol.V3Lockpb;
using Alpha = PgEtcd.Protocol.GrpcReflection.V1Alpha;

namespace PgEtcd.Api.Services;

/// <summary>grpc.reflection.v1.ServerReflection: what grpcurl and other clients without proto files ask. etcd has none.</summary>
public sealed class ReflectionService : ServerReflection.ServerReflectionBase
{
    private static readonly DescriptorIndex Index = new(
        RpcReflection.Descriptor, V3LockReflection.Descriptor, V3ElectionReflection.Descriptor, HealthReflection.Descriptor,
        ReflectionReflection.Descriptor, Alpha.ReflectionReflection.Descriptor);

    /// <summary>Answers each question in turn.</summary>
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<ServerReflectionRequest> requestStream,
        IServerStreamWriter<ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        HashSet<FileDescriptor> sent = [];
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            await responseStream.WriteAsync(Answer(requestStream.Current, sent));
        }
    }

    /// <summary>The answer to one question.</summary>
    /// <param name="request">The question.</param>
    /// <param name="sent">Files that the client has: imports that are among them are not sent again.</param>
    internal static ServerReflectionResponse Answer(ServerReflectionRequest request, HashSet<FileDescriptor> sent)
    {
        ServerReflectionResponse response = new() { ValidHost = request.Host, OriginalRequest = request };
        switch (request.MessageRequestCase)
        {
            case ServerReflectionRequest.MessageRequestOneofCase.ListServices:
                response.ListServicesResponse = new ListServiceResponse
                {
                    Service = { Index.Services.Select(name => new ServiceResponse { Name = name }) },
                };
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileByFilename:
                Send(Index.File(request.FileByFilename), $"file not found: {request.FileByFilename}");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingSymbol:
                Send(Index.Declaring(request.FileContainingSymbol), $"symbol not found: {request.FileContainingSymbol}");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.FileContainingExtension:
                ExtensionRequest extension = request.FileContainingExtension;
                Send(
                    Index.Extending(extension.ContainingType, extension.ExtensionNumber),
                    $"extension not found: {extension.ExtensionNumber} of {extension.ContainingType}");
                break;
            case ServerReflectionRequest.MessageRequestOneofCase.AllExtensionNumbersOfType:
                string type = request.AllExtensionNumbersOfType;
                if (Index.ExtensionsOf(type) is { } numbers)
                {
                    response.AllExtensionNumbersResponse = new ExtensionNumberResponse { BaseTypeName = type, ExtensionNumber = { numbers } };
                }
                else
                {
                    Refuse($"type not found: {type}");
                }

                break;
            default:
                throw new RpcException(new Status(StatusCode.InvalidArgument, "the request asks nothing"));
        }

        return response;

        void Send(FileDescriptor? file, string error)
        {
            if (file is null)
            {
                Refuse(error);
                return;
            }

            sent.Remove(file); // asked for again it is sent again
            response.FileDescriptorResponse = new FileDescriptorResponse();
            response.FileDescriptorResponse.FileDescriptorProto.AddRange(Unsent(file, sent).Select(unsent => unsent.SerializedData));
        }

        void Refuse(string error) =>
            response.ErrorResponse = new ErrorResponse { ErrorCode = (int)StatusCode.NotFound, ErrorMessage = error };
    }

    private static IEnumerable<FileDescriptor> Unsent(FileDescriptor file, HashSet<FileDescriptor> sent) =>
        sent.Add(file) ? file.Dependencies.SelectMany(imported => Unsent(imported, sent)).Prepend(file) : [];
}

/// <summary>The same by the name that it had before version 1.</summary>
public sealed class AlphaReflectionService : Alpha.ServerReflection.ServerReflectionBase
{
    /// <inheritdoc cref="ReflectionService.ServerReflectionInfo"/>
    public override async Task ServerReflectionInfo(
        IAsyncStreamReader<Alpha.ServerReflectionRequest> requestStream,
        IServerStreamWriter<Alpha.ServerReflectionResponse> responseStream,
        ServerCallContext context)
    {
        HashSet<FileDescriptor> sent = [];
        while (await requestStream.MoveNext(context.CancellationToken))
        {
            // Encoded, the messages of both versions are the same.
            ServerReflectionRequest request = ServerReflectionRequest.Parser.ParseFrom(requestStream.Current.ToByteString());
            await responseStream.WriteAsync(Alpha.ServerReflectionResponse.Parser.ParseFrom(ReflectionService.Answer(request, sent).ToByteString()));
        }
    }
}
