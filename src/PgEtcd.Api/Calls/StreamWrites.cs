using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Writes to a stream with gRPC's hint that more follows.</summary>
internal static class StreamWrites
{
    private static readonly WriteOptions MayWait = new(WriteFlags.BufferHint);

    /// <summary>Writes a message.</summary>
    /// <param name="responses">The stream.</param>
    /// <param name="message">The message.</param>
    /// <param name="moreFollows">Whether the next message is ready, so that this one may wait and share its packet.</param>
    /// <param name="cancellationToken">Ends the wait for room.</param>
    public static Task WriteAsync<T>(
        this IServerStreamWriter<T> responses, T message, bool moreFollows, CancellationToken cancellationToken = default)
    {
        responses.WriteOptions = moreFollows ? MayWait : null;
        return responses.WriteAsync(message, cancellationToken);
    }
}
