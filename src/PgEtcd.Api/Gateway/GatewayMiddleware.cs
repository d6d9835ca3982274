using System.Net.WebSockets;
using System.Text.Json;
using Google.Protobuf.Reflection;
using Grpc.Core;
using PgEtcd.Api.Callers;
using PgEtcd.Api.Calls;
using PgEtcd.Api.Connections;
using PgEtcd.Api.Http;

namespace PgEtcd.Api.Gateway;

/// <summary>Serves etcd's JSON gateway: everything below /v3/ (semantics.md §13).</summary>
public static class GatewayMiddleware
{
    /// <summary>The limit of a request in JSON, as a multiple of the limit in binary.</summary>
    private const int JsonOverhead = 4;

    /// <summary>etcd's refusal of a client whose certificate names a user.</summary>
    private const string NameIgnored = "CommonName of client sending a request against gateway will be ignored and not used as expected";

    /// <summary>Serves the gateway's requests, unless earlier middleware has taken them.</summary>
    public static void UseGateway(this WebApplication app)
    {
        MethodTable methods = app.Services.GetRequiredService<MethodTable>();
        app.UseWebSockets();
        Admission admission = app.Services.GetRequiredService<Admission>();
        if (admission.TrustsCertificates)
        {
            app.Use(next => context => admission.IsOn && IsBelowV3(context, out _)
                && context.Connection.ClientCertificate is { } certificate && CertificateNames.Of(certificate) is not null
                    ? context.RefuseAsync(StatusCodes.Status400BadRequest, NameIgnored)
                    : next(context));
        }

        app.Use(next => context => IsBelowV3(context, out PathString rest) && rest.HasValue
            ? ServeAsync(methods, context)
            : next(context));
    }

    private static bool IsBelowV3(HttpContext context, out PathString rest) =>
        context.Request.Path.StartsWithSegments("/v3", StringComparison.Ordinal, out rest);

    private static async Task ServeAsync(MethodTable methods, HttpContext context)
    {
        bool isSocket = context.WebSockets.IsWebSocketRequest;
        MethodDescriptor? method = GatewayRoutes.ByPath.GetValueOrDefault(context.Request.Path.Value!);
        Status refusal = method is null ? GatewayErrors.NotFound
            : !isSocket && !HttpMethods.IsPost(context.Request.Method) ? GatewayErrors.MethodNotAllowed
            : CheckTimeout(context.Request);
        if (refusal.StatusCode != StatusCode.OK)
        {
            await RefuseAsync(new HttpChannel(context), refusal, context.RequestAborted);
            return;
        }

        if (method!.IsClientStreaming)
        {
            HeldRequest.MarkStream(context);
        }

        try
        {
            await using JsonChannel channel = isSocket ? await WebSocketChannel.AcceptAsync(context) : new HttpChannel(context);
            GatewayRequests requests = new(method, new JsonBody(channel.Requests, (long)JsonOverhead * methods.MaxMessageSize));
            GatewayResponses responses = new(method, channel);
            Status status = await methods.CallAsync(
                $"/{method.Service.FullName}/{method.Name}", context, GatewayMetadata.Read(context), requests, responses, channel.Gone);
            await responses.EndAsync(requests.Refusal?.Status ?? status);
        }
        catch (Exception e) when (e is OperationCanceledException or IOException or WebSocketException)
        {
            if (!isSocket) // an abort could lose the close frame that a socket has sent
            {
                context.Abort(); // the client has gone; without this, a proxy could take the part that was sent for the whole
            }
        }
    }

    private static async Task RefuseAsync(HttpChannel channel, Status refusal, CancellationToken gone)
    {
        channel.Begin(refusal);
        await using (Utf8JsonWriter json = JsonWriting.To(channel.Output))
        {
            GatewayErrors.Write(json, refusal);
        }

        await channel.SendAsync(gone);
    }

    private static Status CheckTimeout(HttpRequest request)
    {
        string text = request.Headers.GrpcTimeout.ToString();
        return text.Length == 0 || GrpcTimeout.TryParse(text, out _)
            ? Status.DefaultSuccess
            : new Status(StatusCode.InvalidArgument, $"invalid grpc-timeout: {text}");
    }
}
