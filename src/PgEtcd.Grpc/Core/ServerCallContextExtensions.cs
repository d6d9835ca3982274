using Microsoft.AspNetCore.Http;
using PgEtcd.Grpc.Http;

namespace Grpc.Core;

/// <summary>From a gRPC call to the HTTP request under it.</summary>
public static class ServerCallContextExtensions
{
    /// <summary>The HTTP request that carries the call.</summary>
    /// <exception cref="InvalidOperationException">The call did not come over Kestrel.</exception>
    public static HttpContext GetHttpContext(this ServerCallContext serverCallContext) =>
        (serverCallContext as ServerCall)?.HttpContext
        ?? (serverCallContext.UserState.TryGetValue("__HttpContext", out object? context) ? context as HttpContext : null)
        ?? throw new InvalidOperationException("This call has no HttpContext.");
}
