using System.Buffers;
using System.IO.Pipelines;
using Grpc.Core;

namespace PgEtcd.Api.Gateway;

/// <summary>What carries the JSON of one call: an HTTP request or a WebSocket.</summary>
internal abstract class JsonChannel : IAsyncDisposable
{
    /// <summary>What the client sends.</summary>
    public abstract PipeReader Requests { get; }

    /// <summary>Fires when the client has gone.</summary>
    public abstract CancellationToken Gone { get; }

    /// <summary>Where to write what <see cref="SendAsync"/> then sends.</summary>
    public abstract IBufferWriter<byte> Output { get; }

    /// <summary>Begins the answer; only the first status counts.</summary>
    public abstract void Begin(Status status);

    /// <summary>Sends what was written; ends when there is room for more.</summary>
    public abstract ValueTask SendAsync(CancellationToken cancellationToken);

    /// <summary>Ends the answer.</summary>
    public abstract ValueTask DisposeAsync();
}
