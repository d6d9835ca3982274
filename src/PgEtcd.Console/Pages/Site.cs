using System.Collections.Frozen;
using System.Globalization;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Components.Web;
using Microsoft.AspNetCore.Http.Features;
using PgEtcd.Console.Pages.Access;
using PgEtcd.Console.Pages.Activity;
using PgEtcd.Console.Pages.Changing;
using PgEtcd.Console.Pages.Cluster;
using PgEtcd.Console.Pages.Difference;
using PgEtcd.Console.Pages.Keys;
using PgEtcd.Console.Pages.Leases;
using PgEtcd.Console.Pages.Login;
using PgEtcd.Console.Pages.OneKey;
using PgEtcd.Console.Reading;
using PgEtcd.Console.Elements;
using PgEtcd.Console.Texts;
using PgEtcd.Console.Visits;
using PgEtcd.Postgres.Browsing;
using PgEtcd.Postgres.Calls;

namespace PgEtcd.Console.Pages;

/// <summary>All pages by path. Finds the visitor and the moment of a request, puts the page into the frame, and handles errors.</summary>
internal sealed class Site
{
    private const string LoginPath = "/login";

    /// <summary>The most bytes in a form for one byte of a value: <c>%5Cx00</c>, escaped once more.</summary>
    private const int FormFactor = 12;

    /// <summary>The most bytes of all other fields.</summary>
    private const int FormRest = 64 * 1024;

    private readonly FrozenDictionary<string, IPage> _pages;
    private readonly ServiceProvider _services = new ServiceCollection().BuildServiceProvider();
    private readonly ConsoleOptions _options;
    private readonly ConsoleParts _parts;
    private readonly Masks _masks;
    private readonly Visitors _visitors;
    private readonly Moments _moments;
    private readonly ILogger _logger;

    public Site(ConsoleOptions options, ConsoleParts parts)
    {
        _options = options;
        _parts = parts;
        _masks = new Masks(options.Masks);
        _logger = parts.Loggers.CreateLogger<Site>();
        _visitors = new Visitors(parts.Auth.States, parts.Tail, parts.Auth.Tokens);
        Browser browser = new(parts.Database);
        PastBrowser past = new(browser);
        ChangeBrowser changes = new(browser);
        ServerBrowser server = new(browser);
        _moments = new Moments(parts.Reader, past);
        KeySource keys = new(parts.Reader, past, changes);
        Changer changer = new(parts, _visitors, options);
        Rates rates = new(parts.Counters, parts.Stopping);
        _pages = new Dictionary<string, IPage>
        {
            ["/keys"] = new KeysPage(keys),
            ["/level"] = new LevelFragment(keys),
            ["/key"] = new OneKeyPage(keys, changes, server),
            ["/raw"] = new RawValue(keys),
            ["/diff"] = new DifferencePage(past, changes),
            ["/activity"] = new ActivityPage(changes),
            ["/tail"] = new TailStream(parts, _visitors, changes, RenderAsync),
            ["/leases"] = new LeasesPage(parts.Reader, server),
            ["/locks"] = new LocksPage(parts.Reader, server),
            ["/cluster"] = new ClusterPage(parts, server, rates),
            ["/access"] = new AccessPage(),
            ["/edit"] = new EditPage(keys, changer),
            ["/restore"] = new RestorePage(keys, changes, server, changer),
            ["/delete"] = new DeletePage(keys, changer),
            [LoginPath] = new LoginPage(parts),
            ["/logout"] = new LogoutPage(),
        }.ToFrozenDictionary(StringComparer.Ordinal);
    }

    /// <summary>Serves a request below /ui.</summary>
    public async Task ServeAsync(HttpContext context)
    {
        Guard(context.Response.Headers);
        string path = context.Request.Path.Value![Visit.Root.Length..].TrimEnd('/');
        if (Asset.Find(path) is { } asset)
        {
            await asset.WriteAsync(context);
            return;
        }

        try
        {
            await AnswerAsync(context, path.Length == 0 ? "/keys" : path);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // The browser has disconnected.
        }
        catch (Exception exception) when (!context.Response.HasStarted)
        {
            (int status, string text) = exception is StoreUnavailableException or OperationCanceledException
                ? (StatusCodes.Status503ServiceUnavailable, "PostgreSQL is not responding. This page will work again when it is.")
                : (StatusCodes.Status500InternalServerError, "This page failed. The server's log has the reason.");
            if (status == StatusCodes.Status500InternalServerError)
            {
                Log.PageFailed(_logger, path, exception);
            }

            await SendAsync(
                context.Response, status, await RenderAsync(typeof(Outage), new Dictionary<string, object?> { ["Text"] = text }));
        }
    }

    private async Task AnswerAsync(HttpContext context, string path)
    {
        HttpRequest request = context.Request;
        Visitor visitor = await _visitors.IdentifyAsync(context);
        IPage? page = _pages.GetValueOrDefault(path);
        if (visitor.MustLogIn && path != LoginPath)
        {
            await WriteAsync(context, page is TailStream or LevelFragment || !HttpMethods.IsGet(request.Method)
                ? new StreamAnswer(static http => RefuseAsync(http, StatusCodes.Status401Unauthorized))
                : new RedirectAnswer(Visit.Address(LoginPath, ("to", request.Path + request.QueryString))), null!);
            return;
        }

        bool isSent = HttpMethods.IsPost(request.Method);
        if (page is null || !(isSent || HttpMethods.IsGet(request.Method)) || (isSent && page is not IFormPage))
        {
            await RefuseAsync(context, page is null ? StatusCodes.Status404NotFound : StatusCodes.Status405MethodNotAllowed);
            return;
        }

        (Moment moment, long? pinned) = await _moments.FindAsync(context);
        Visit visit = new(context, visitor, moment, _options, _masks);
        if (pinned is not null)
        {
            await WriteAsync(context, new RedirectAnswer(visit.At(pinned)), visit);
            return;
        }

        await WriteAsync(context, await AnswerAsync(visit, page, isSent), visit);
    }

    private static async Task<Answer> AnswerAsync(Visit visit, IPage page, bool isSent)
    {
        try
        {
            if (visit.Moment.Problem is { } problem)
            {
                return Refuse(StatusCodes.Status404NotFound, "No such moment", problem);
            }

            if (!isSent)
            {
                return await page.GetAsync(visit);
            }

            if (visit.Context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } limit)
            {
                limit.MaxRequestBodySize = (FormFactor * (long)visit.Options.MaxRequestBytes) + FormRest;
            }

            IFormCollection form = await visit.Context.Request.ReadFormAsync(visit.Gone);
            return FormToken.IsGood(visit.Context, visit.Visitor, form[FormToken.Field])
                ? await ((IFormPage)page).PostAsync(visit, form)
                : Refuse(
                    StatusCodes.Status400BadRequest,
                    "Form rejected",
                    "This form was not sent from a page of this console, or the page belongs to another login. "
                    + "Go back, reload the page, and try again.");
        }
        catch (DeniedException)
        {
            return Refuse(
                StatusCodes.Status403Forbidden,
                "Not permitted",
                (visit.Visitor.Name is { } name ? $"The roles of {name} do not permit this. " : "")
                    + "A page needs read permission on all keys that it shows. The audit, cluster and access pages need the role root. "
                    + "Changes also need --console=read-write.");
        }
        catch (RefusedException refused)
        {
            return Refuse(
                refused.Refusal == Refusal.TooSlow ? StatusCodes.Status503ServiceUnavailable : StatusCodes.Status404NotFound,
                refused.Refusal switch
                {
                    Refusal.Compacted => "No longer kept",
                    Refusal.Future => "In the future",
                    _ => "Too expensive",
                },
                refused.Message);
        }
        catch (Exception tooLarge) when (tooLarge is InvalidDataException or BadHttpRequestException)
        {
            return Refuse(StatusCodes.Status413PayloadTooLarge, "Too large", "The form is larger than this server accepts.");
        }
    }

    private static PageAnswer Refuse(int status, string title, string sentence) =>
        new(title, typeof(RefusalView), new RefusalModel(title, sentence)) { Status = status };

    private async Task WriteAsync(HttpContext context, Answer answer, Visit visit)
    {
        HttpResponse response = context.Response;
        switch (answer)
        {
            case RedirectAnswer redirect:
                response.StatusCode = StatusCodes.Status303SeeOther;
                response.Headers.Location = redirect.Address;
                break;
            case StreamAnswer stream:
                await stream.WriteAsync(context);
                break;
            case FragmentAnswer fragment:
                await SendAsync(response, StatusCodes.Status200OK, await RenderAsync(visit, fragment));
                break;
            case PageAnswer page:
                await SendAsync(response, page.Status, await RenderAsync(typeof(Frame), new Dictionary<string, object?>
                {
                    ["Request"] = visit,
                    ["Title"] = page.Title,
                    ["Component"] = page.Component,
                    ["Model"] = page.Model,
                }));
                break;
        }
    }

    private static Task SendAsync(HttpResponse response, int status, string html)
    {
        byte[] bytes = System.Text.Encoding.UTF8.GetBytes(html);
        response.StatusCode = status;
        response.ContentType = "text/html; charset=utf-8";
        response.ContentLength = bytes.Length;
        return response.Body.WriteAsync(bytes).AsTask();
    }

    private Task<string> RenderAsync(Visit visit, FragmentAnswer fragment) => RenderAsync(typeof(Fragment), new Dictionary<string, object?>
    {
        ["Request"] = visit,
        ["Component"] = fragment.Component,
        ["Model"] = fragment.Model,
    });

    private async Task<string> RenderAsync(Type component, IDictionary<string, object?> parameters)
    {
        await using HtmlRenderer renderer = new(_services, _parts.Loggers);
        return await renderer.Dispatcher.InvokeAsync(
            async () => (await renderer.RenderComponentAsync(component, ParameterView.FromDictionary(parameters))).ToHtmlString());
    }

    private static Task RefuseAsync(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(status.ToString(CultureInfo.InvariantCulture) + "\n");
    }

    /// <summary>Sets headers: pages load nothing from other sites, other sites cannot embed or read them, and browsers do not cache
    /// them.</summary>
    private static void Guard(IHeaderDictionary headers)
    {
        headers.Remove("Access-Control-Allow-Origin");
        headers.Remove("Access-Control-Allow-Methods");
        headers.Remove("Access-Control-Allow-Headers");
        headers.ContentSecurityPolicy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            + "form-action 'self'; base-uri 'none'; frame-ancestors 'none'";
        headers.XContentTypeOptions = "nosniff";
        headers["Referrer-Policy"] = "same-origin";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Cross-Origin-Resource-Policy"] = "same-origin";
        headers.CacheControl = "no-store";
    }
}
