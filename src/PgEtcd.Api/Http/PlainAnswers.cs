using System.IO.Compression;
using System.Text;
using Microsoft.Net.Http.Headers;

namespace PgEtcd.Api.Http;

/// <summary>Answers in the form of etcd's HTTP server, which is Go's.</summary>
public static class PlainAnswers
{
    public const string Text = "text/plain; charset=utf-8";
    public const string Json = "application/json";
    private const string Gzip = "gzip";

    /// <summary>Writes a whole answer.</summary>
    public static Task AnswerAsync(this HttpContext context, int status, string contentType, string body) =>
        context.AnswerAsync(status, contentType, Encoding.UTF8.GetBytes(body));

    private static Task AnswerAsync(this HttpContext context, int status, string contentType, ReadOnlyMemory<byte> bytes)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        return HttpMethods.IsHead(context.Request.Method) ? Task.CompletedTask : context.Response.Body.WriteAsync(bytes).AsTask();
    }

    /// <summary>Writes a long answer, compressed if the client accepts that.</summary>
    public static async Task AnswerCompressedAsync(this HttpContext context, string contentType, string body)
    {
        context.Response.Headers.Vary = HeaderNames.AcceptEncoding;
        if (!TakesGzip(context.Request))
        {
            await context.AnswerAsync(StatusCodes.Status200OK, contentType, body);
            return;
        }

        using MemoryStream compressed = new();
        await using (GZipStream gzip = new(compressed, CompressionLevel.Fastest, leaveOpen: true))
        {
            await gzip.WriteAsync(Encoding.UTF8.GetBytes(body));
        }

        context.Response.Headers.ContentEncoding = Gzip;
        await context.AnswerAsync(StatusCodes.Status200OK, contentType, compressed.GetBuffer().AsMemory(0, (int)compressed.Length));
    }

    /// <summary>Refuses with a line of text.</summary>
    public static Task RefuseAsync(this HttpContext context, int status, string line)
    {
        context.Response.Headers.XContentTypeOptions = "nosniff";
        return context.AnswerAsync(status, Text, line + "\n");
    }

    /// <summary>Answers that the page does not exist.</summary>
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

    /// <summary>Whether Accept-Encoding names gzip, with a weight other than 0.</summary>
    private static bool TakesGzip(HttpRequest request) => request.GetTypedHeaders().AcceptEncoding
        .Any(encoding => encoding.Value.Equals(Gzip, StringComparison.OrdinalIgnoreCase) && encoding.Quality != 0);
}
