using System.Text.Json;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>Errors in the gateway's form (semantics.md §13).</summary>
internal static class GatewayErrors
{
    public static readonly Status NotFound = new(StatusCode.NotFound, "Not Found");

    public static readonly Status MethodNotAllowed = new(StatusCode.Unimplemented, "Method Not Allowed");

    /// <summary>The HTTP status of a gRPC code.</summary>
    public static int HttpStatus(StatusCode code) => code switch
    {
        StatusCode.OK => StatusCodes.Status200OK,
        StatusCode.InvalidArgument or StatusCode.FailedPrecondition or StatusCode.OutOfRange => StatusCodes.Status400BadRequest,
        StatusCode.Unauthenticated => StatusCodes.Status401Unauthorized,
        StatusCode.PermissionDenied => StatusCodes.Status403Forbidden,
        StatusCode.NotFound => StatusCodes.Status404NotFound,
        StatusCode.AlreadyExists or StatusCode.Aborted => StatusCodes.Status409Conflict,
        StatusCode.ResourceExhausted => StatusCodes.Status429TooManyRequests,
        StatusCode.Cancelled => StatusCodes.Status499ClientClosedRequest,
        StatusCode.Unimplemented => StatusCodes.Status501NotImplemented,
        StatusCode.Unavailable => StatusCodes.Status503ServiceUnavailable,
        StatusCode.DeadlineExceeded => StatusCodes.Status504GatewayTimeout,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>Writes the body of an error. Many clients still read <c>error</c>, which etcd wrote up to 3.5.</summary>
    public static void Write(Utf8JsonWriter json, Status status)
    {
        json.WriteStartObject();
        json.WriteString("error", status.Detail);
        json.WriteNumber("code", (int)status.StatusCode);
        json.WriteString("message", status.Detail);
        json.WriteEndObject();
    }

    /// <summary>Writes the last line of a failed stream, with the fields of etcd 3.6 and of etcd up to 3.5.</summary>
    public static void WriteInStream(Utf8JsonWriter json, Status status)
    {
        int httpStatus = HttpStatus(status.StatusCode);
        json.WriteStartObject();
        json.WriteStartObject("error");
        json.WriteNumber("code", (int)status.StatusCode);
        json.WriteString("message", status.Detail);
        json.WriteNumber("grpc_code", (int)status.StatusCode);
        json.WriteNumber("http_code", httpStatus);
        json.WriteString("http_status", Microsoft.AspNetCore.WebUtilities.ReasonPhrases.GetReasonPhrase(httpStatus));
        json.WriteEndObject();
        json.WriteEndObject();
    }
}
