using Microsoft.Extensions.DependencyInjection;

namespace Grpc.AspNetCore.Server;

/// <summary>Settings of all gRPC services.</summary>
public class GrpcServiceOptions
{
    /// <summary>Largest request message in bytes, also after decompression; null for no limit.</summary>
    public int? MaxReceiveMessageSize { get; set; } = 4 * 1024 * 1024;

    /// <summary>What stands between the server and the services.</summary>
    public InterceptorCollection Interceptors { get; } = new();
}

/// <summary>What AddGrpc gives back.</summary>
public interface IGrpcServerBuilder
{
    /// <summary>The services being set up.</summary>
    IServiceCollection Services { get; }
}
