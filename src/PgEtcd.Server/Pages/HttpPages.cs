using PgEtcd.Api.Http;
using PgEtcd.Protocol;
using PgEtcd.Server.Composition;
using PgEtcd.Server.Metrics;

namespace PgEtcd.Server.Pages;

/// <summary>The pages that are served over plain HTTP (semantics.md §14), by their exact paths, as in etcd: ASP.NET's routing would
/// take <c>/HEALTH/</c> for <c>/health</c>, too.</summary>
internal sealed class HttpPages
{
    private const string ClusterVersion = ReleaseInfo.ClusterVersion + ".0";

    private const string Version =
        $$"""{"etcdserver":"{{ReleaseInfo.EtcdVersion}}","etcdcluster":"{{ClusterVersion}}","storage":"{{ClusterVersion}}"}""";

    /// <summary>Pages that --listen-metrics-urls serve, too.</summary>
    private readonly Dictionary<string, RequestDelegate> _everywhere = new(StringComparer.Ordinal);

    private readonly Dictionary<string, RequestDelegate> _toClients = new(StringComparer.Ordinal);

    /// <param name="frontend">The frontend.</param>
    /// <param name="metrics">Its metrics.</param>
    public HttpPages(RunningFrontend frontend, MetricsRegistry metrics)
    {
        HealthProbe probe = new(frontend.Reader, frontend.Membership, () => frontend.Alarms.Raised, () => frontend.UnmetSettings);
        _everywhere["/health"] = OnlyGet(new HealthPage(probe).ServeAsync);
        foreach ((string path, RequestDelegate serve) in CheckPages.Live(probe).Pages().Concat(CheckPages.Ready(probe).Pages()))
        {
            _everywhere[path] = OnlyGet(serve);
        }

        _everywhere["/metrics"] = async context =>
        {
            await frontend.Sizes.RefreshAsync();
            await context.AnswerCompressedAsync(PrometheusText.ContentType, metrics.Read());
        };
        _toClients["/version"] = OnlyGet(context => context.AnswerAsync(StatusCodes.Status200OK, PlainAnswers.Json, Version));
        _toClients["/debug/vars"] = OnlyGet(new VariablesPage(frontend).ServeAsync);
    }

    /// <summary>Serves a page, or passes the request on if its path is not a page's.</summary>
    /// <param name="context">A request that is not gRPC.</param>
    /// <param name="next">The next handler, for client listeners only.</param>
    public Task ServeAsync(HttpContext context, RequestDelegate next)
    {
        string path = context.Request.Path.Value ?? "";
        return context.Listener() switch
        {
            ListenerKind.GrpcOnly => context.RefuseAsync(
                StatusCodes.Status415UnsupportedMediaType, "this listener serves gRPC only: --listen-client-http-urls serve HTTP"),
            ListenerKind.Metrics => (_everywhere.GetValueOrDefault(path) ?? PlainAnswers.NotFoundAsync)(context),
            _ => (_everywhere.GetValueOrDefault(path) ?? _toClients.GetValueOrDefault(path) ?? next)(context),
        };
    }

    private static RequestDelegate OnlyGet(RequestDelegate page) => async context =>
    {
        if (!await context.RefusesMethodAsync())
        {
            await page(context);
        }
    };
}
