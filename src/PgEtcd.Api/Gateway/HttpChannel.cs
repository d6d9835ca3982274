using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>JSON over HTTP/1.1 or HTTP/2.</summary>
internal sealed class HttpChannel(HttpContext context) : JsonChannel
{
    private bool _begun;

    public override PipeReader Requests => context.Request.BodyReader;

    public override CancellationToken Gone => context.RequestAborted;

    public override IBufferWriter<byte> Output => context.Response.BodyWriter;

    public override void Begin(Status status)
    {
        if (_begun)
        {
            return;
        }

        _begun = true;
        context.Response.StatusCode = GatewayErrors.HttpStatus(status.StatusCode);
        context.Response.ContentType = "application/json";
        if (status.StatusCode == StatusCode.Unauthenticated)
        {
            context.Response.Headers.WWWAuthenticate = status.Detail;
        }
    }

    public override async ValueTask SendAsync(CancellationToken cancellationToken) =>
        await context.Response.BodyWriter.FlushAsync(cancellationToken);

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
