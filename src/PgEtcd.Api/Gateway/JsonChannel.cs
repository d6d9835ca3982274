using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>The carrier of one call's JSON: an HTTP request or a WebSocket.</summary>
internal abstract class JsonChannel : IAsyncDisposable
{
    /// <summary>The client's bytes.</summary>
    public abstract PipeReader Requests { get; }

    /// <summary>Fires when the client has gone.</summary>
    public abstract CancellationToken Gone { get; }

    /// <summary>The buffer that <see cref="SendAsync"/> sends.</summary>
    public abstract IBufferWriter<byte> Output { get; }

    /// <summary>Begins the answer; only the first status counts.</summary>
    public abstract void Begin(Status status);

    /// <summary>Sends the buffer and waits for room.</summary>
    public abstract ValueTask SendAsync(CancellationToken cancellationToken);

    /// <summary>Ends the answer.</summary>
    public abstract ValueTask DisposeAsync();
}
