using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;

namespace PgEtcd.Grpc.Http;

/// <summary>
/// Takes gRPC calls out of the stream of requests before anything else in the pipeline sees (and slows) them.
/// </summary>
internal sealed class GrpcStartupFilter(MethodTable table) : IStartupFilter
{
    private const string GrpcContentType = "application/grpc";

    public Action<IApplicationBuilder> Configure(Action<IApplicationBuilder> next) => app =>
    {
        app.Use(rest => context => Dispatch(context, rest));
        next(app);
    };

    private Task Dispatch(HttpContext context, RequestDelegate rest)
    {
        HttpRequest request = context.Request;
        MethodHandler? handler = table.Find(request.Path.Value ?? "");
        bool isGrpc = IsGrpc(request.ContentType);
        if (handler is null)
        {
            if (!isGrpc || !HttpProtocol.IsHttp2(request.Protocol))
                return rest(context);
            ResponseWriter.SendTrailersOnly(context.Response, table.Unknown(request.Path.Value ?? ""), null);
            return Task.CompletedTask;
        }
        if (!HttpMethods.IsPost(request.Method))
        {
            context.Response.Headers.Allow = HttpMethods.Post;
            return Refuse(context, StatusCodes.Status405MethodNotAllowed);
        }
        if (!isGrpc)
            return Refuse(context, StatusCodes.Status415UnsupportedMediaType);
        return HttpProtocol.IsHttp2(request.Protocol) ? handler.InvokeAsync(context) : Refuse(context, StatusCodes.Status426UpgradeRequired);
    }

    private static Task Refuse(HttpContext context, int statusCode)
    {
        context.Response.StatusCode = statusCode;
        return Task.CompletedTask;
    }

    // Also with a codec ("+proto") or parameters; "application/grpc-web" is another protocol.
    private static bool IsGrpc(string? contentType) =>
        contentType is not null
        && contentType.StartsWith(GrpcContentType, StringComparison.OrdinalIgnoreCase)
        && (contentType.Length == GrpcContentType.Length || contentType[GrpcContentType.Length] is '+' or ';');
}
