using System.Buffers;
using Google.Protobuf;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Wire;
using PgEtcd.Protocol.Etcdserverpb;

namespace PgEtcd.Api.Hosting;

/// <summary>Calls without a connection that change nothing, so that clients' first calls need not wait for code to be compiled: reads, and
/// writes that are refused before they are evaluated.</summary>
public static class RehearsedCalls
{
    private static readonly ByteString Key = ByteString.CopyFromUtf8("\0");

    private static readonly (string Method, IMessage Request)[] Calls =
    [
        ("/etcdserverpb.KV/Range", new RangeRequest { Key = Key, Limit = 1 }),
        ("/etcdserverpb.KV/Range", new RangeRequest { Key = Key, RangeEnd = Key, Limit = 1, Serializable = true }),
        ("/etcdserverpb.KV/Txn", new TxnRequest { Compare = { new Compare { Key = Key } } }),
        ("/etcdserverpb.KV/Put", new PutRequest()),
        ("/etcdserverpb.KV/DeleteRange", new DeleteRangeRequest()),
        ("/etcdserverpb.Lease/LeaseTimeToLive", new LeaseTimeToLiveRequest { ID = -1, Keys = true }),
    ];

    /// <summary>Makes the calls, one after the other.</summary>
    public static async Task RunAsync(IServiceProvider services, CancellationToken cancellationToken)
    {
        MethodTable methods = services.GetRequiredService<MethodTable>();
        foreach ((string method, IMessage request) in Calls)
        {
            cancellationToken.ThrowIfCancellationRequested();
            await methods.Find(method)!.ServeAsync(Http(method, request, services));
        }
    }

    /// <summary>The request as Kestrel would pass it on.</summary>
    private static DefaultHttpContext Http(string path, IMessage request, IServiceProvider services)
    {
        ArrayBufferWriter<byte> frame = new();
        MessageFrame.WritePrefix(frame, request.CalculateSize());
        request.WriteTo(frame);
        DefaultHttpContext http = new() { RequestServices = services };
        http.Features.Set<IHttpResponseTrailersFeature>(new Trailers());
        http.Request.Protocol = HttpProtocol.Http2;
        http.Request.Method = HttpMethods.Post;
        http.Request.Path = path;
        http.Request.ContentType = "application/grpc";
        http.Request.Body = new MemoryStream(frame.WrittenSpan.ToArray());
        return http;
    }

    private sealed class Trailers : IHttpResponseTrailersFeature
    {
        IHeaderDictionary IHttpResponseTrailersFeature.Trailers { get; set; } = new HeaderDictionary();
    }
}
