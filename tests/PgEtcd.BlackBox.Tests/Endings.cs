using Grpc.Core;
using Shouldly;

namespace PgEtcd.BlackBox.Tests;

/// <summary>How a stream ended.</summary>
internal static class Endings
{
    /// <summary>A server that stops says so, and ends the connection behind it. While the sending side of a stream is open, .NET's client
    /// lets the end of the connection win over a status that nobody has read yet; it makes that Unavailable, too.</summary>
    public static void ShouldBeStopped(this RpcException error)
    {
        error.StatusCode.ShouldBe(StatusCode.Unavailable);
        error.Status.Detail.ShouldMatch("etcdserver: server stopped|NO_ERROR");
    }
}
