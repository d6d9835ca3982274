using System.Text;

namespace PgEtcd.Server.Http;

/// <summary>Answers in the form that etcd's HTTP server gives them: Go's.</summary>
internal static class PlainAnswers
{
    public const string Text = "text/plain; charset=utf-8";
    public const string Json = "application/json";

    /// <summary>Writes a whole answer.</summary>
    public static Task AnswerAsync(this HttpContext context, int status, string contentType, string body)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(body);
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    /// <summary>Refuses, in a line of text.</summary>
    public static Task RefuseAsync(this HttpContext context, int status, string line)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.AnswerAsync(status, Text, line + "\n");
    }

    /// <summary>There is no such page.</summary>
    public static Task NotFoundAsync(this HttpContext context) => context.RefuseAsync(StatusCodes.Status404NotFound, "404 page not found");

    /// <summary>Refuses every method but GET.</summary>
    /// <returns>True when the request is refused.</returns>
    public static async Task<bool> RefusesMethodAsync(this HttpContext context)
    {
        if (HttpMethods.IsGet(context.Request.Method))
        {
            return false;
        }

        context.Response.Headers.Allow = HttpMethods.Get;
        await context.RefuseAsync(StatusCodes.Status405MethodNotAllowed, "Method Not Allowed");
        return true;
    }
}
