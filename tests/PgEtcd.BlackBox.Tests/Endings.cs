using Grpc.Core;
using Shouldly;

namespace PgEtcd.BlackBox.Tests;

/// <summary>How a stream ended.</summary>
internal static class Endings
{
    /// <summary>A stopping server sends a status and then closes the connection. While the sending side of a stream is open, .NET's client
    /// reports the closed connection instead of a status that has not been read yet, also as Unavailable.</summary>
    public static void ShouldBeStopped(this RpcException error)
    {
        error.StatusCode.ShouldBe(StatusCode.Unavailable);
        error.Status.Detail.ShouldMatch("etcdserver: server stopped|NO_ERROR");
    }
}
