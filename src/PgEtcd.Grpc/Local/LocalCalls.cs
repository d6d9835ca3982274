using Microsoft.AspNetCore.Http;
using PgEtcd.Grpc.Http;

namespace PgEtcd.Grpc.Local;

/// <summary>
/// Calls the methods that this server serves, without a connection: for a gateway, which has its requests from elsewhere.
/// Such a call takes the same way as one from outside, from its metadata and deadline to its status.
/// </summary>
public sealed class LocalCalls
{
    private readonly MethodTable _table;

    internal LocalCalls(MethodTable table)
    {
        _table = table;
    }

    /// <summary>Largest request message in bytes.</summary>
    public int MaxMessageSize => _table.MaxReceiveMessageSize;

    /// <summary>Starts a call. One of a method that is not served ends at once, with the status that says so.</summary>
    /// <param name="method">Its path: <c>/etcdserverpb.KV/Put</c>.</param>
    /// <param name="cause">The request on whose behalf it is made: the service sees its connection.</param>
    /// <param name="metadata">As headers, also grpc-timeout; the call keeps and changes it.</param>
    /// <param name="ended">Cancels the call.</param>
    public LocalCall Start(string method, HttpContext cause, IHeaderDictionary metadata, CancellationToken ended) =>
        new(Serve, method, cause, metadata, ended);

    private Task Serve(HttpContext context)
    {
        string path = context.Request.Path.Value!;
        if (_table.Find(path) is { } handler)
        {
            return handler.InvokeAsync(context);
        }

        ResponseWriter.SendTrailersOnly(context.Response, _table.Unknown(path), null);
        return Task.CompletedTask;
    }
}
