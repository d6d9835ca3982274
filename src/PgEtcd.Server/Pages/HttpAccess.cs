using PgEtcd.Api.Gateway;
using PgEtcd.Api.Http;

namespace PgEtcd.Server.Pages;

/// <summary>The checks of every plain HTTP request before its path is looked up: access, and the paths that older clients of etcd
/// use.</summary>
internal static class HttpAccess
{
    private const string OlderPrefix = "/v3beta";

    /// <summary>Adds the checks.</summary>
    public static void UseHttpAccess(this IApplicationBuilder app, GatewayOptions options) => app.Use(next => async context =>
    {
        HttpRequest request = context.Request;
        if (request.Path.StartsWithSegments(OlderPrefix, StringComparison.Ordinal, out PathString rest) && rest.HasValue)
        {
            request.Path = new PathString("/v3").Add(rest);
        }

        // With TLS, the certificate protects a browser that was led to a wrong address.
        string host = request.Host.Host.Trim('[', ']');
        if (!request.IsHttps && context.Listener() != ListenerKind.Metrics && !options.AllowsHost(host))
        {
            await context.AnswerAsync(
                StatusCodes.Status421MisdirectedRequest, PlainAnswers.Text,
                $"The host name \"{host}\" is not among those of --host-whitelist.\n");
            return;
        }

        string origin = request.Headers.Origin.ToString();
        if (options.AllowsAnyOrigin || options.AllowsOrigin(origin))
        {
            context.Response.Headers.AccessControlAllowMethods = "POST, GET, OPTIONS, PUT, DELETE";
            context.Response.Headers.AccessControlAllowOrigin = options.AllowsAnyOrigin ? "*" : origin;
            context.Response.Headers.AccessControlAllowHeaders = "accept, content-type, authorization";
        }

        if (!HttpMethods.IsOptions(request.Method))
        {
            await next(context);
        }
    });
}
