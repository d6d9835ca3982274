using System.Globalization;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Primitives;

namespace PgEtcd.Grpc.Http;

/// <summary>Writes statuses and metadata as HTTP headers and trailers.</summary>
internal static class ResponseWriter
{
    private static readonly StringValues GrpcContentType = "application/grpc";
    private static readonly StringValues[] Codes =
        [.. Enumerable.Range(0, 17).Select(code => new StringValues(code.ToString(CultureInfo.InvariantCulture)))];

    /// <summary>Sets the headers every response has.</summary>
    public static void Begin(HttpResponse response) => response.Headers.ContentType = GrpcContentType;

    /// <summary>Ends a call that has sent no message: the status travels in the headers.</summary>
    public static void SendTrailersOnly(HttpResponse response, Status status, Metadata? metadata)
    {
        Begin(response);
        SetStatus(response.Headers, status, metadata);
    }

    /// <summary>Ends a call that has sent headers or messages.</summary>
    public static void SendTrailers(HttpContext context, Status status, Metadata? metadata)
    {
        if (context.Features.Get<IHttpResponseTrailersFeature>() is { } feature)
            SetStatus(feature.Trailers, status, metadata);
    }

    /// <summary>Adds metadata to headers or trailers. Keys that belong to the protocol are left out.</summary>
    public static void AddMetadata(IHeaderDictionary headers, Metadata? metadata)
    {
        if (metadata is null)
            return;
        foreach (Metadata.Entry entry in metadata)
        {
            if (entry.Key[0] != ':' && entry.Key is not ("content-type" or "te" or "grpc-status" or "grpc-message"))
                headers.Append(entry.Key, entry.IsBinary ? MetadataValue.EncodeBytes(entry.ValueBytes) : entry.Value);
        }
    }

    private static void SetStatus(IHeaderDictionary headers, Status status, Metadata? metadata)
    {
        AddMetadata(headers, metadata);
        int code = (int)status.StatusCode;
        headers.GrpcStatus = (uint)code < (uint)Codes.Length ? Codes[code] : code.ToString(CultureInfo.InvariantCulture);
        if (status.Detail.Length > 0)
            headers.GrpcMessage = MetadataValue.EncodeMessage(status.Detail);
    }
}
