using PgEtcd.Console.Visits;

namespace PgEtcd.Console.Pages;

/// <summary>Serves the console below /ui, and redirects browsers from / to it.</summary>
public static class ConsoleMiddleware
{
    /// <summary>Adds the console. It is created at the first request.</summary>
    /// <param name="app">The application.</param>
    /// <param name="options">The configuration.</param>
    /// <param name="parts">Returns the parts of the frontend.</param>
    public static void UseConsole(this IApplicationBuilder app, ConsoleOptions options, Func<ConsoleParts> parts)
    {
        if (options.Mode == ConsoleMode.Off)
        {
            return;
        }

        Lazy<Site> site = new(() => new Site(options, parts()));
        app.Use(next => context =>
        {
            HttpRequest request = context.Request;
            if (request.Path.StartsWithSegments(Visit.Root, StringComparison.Ordinal))
            {
                return site.Value.ServeAsync(context);
            }

            if (request.Path == "/" && HttpMethods.IsGet(request.Method)
                && request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal))
            {
                context.Response.Redirect(Visit.Root);
                return Task.CompletedTask;
            }

            return next(context);
        });
    }
}
