using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Writing to a stream, with what is known about the next message.</summary>
internal static class StreamWrites
{
    private static readonly WriteOptions MayWait = new(WriteFlags.BufferHint);

    /// <summary>Writes a message.</summary>
    /// <param name="responses">Where to.</param>
    /// <param name="message">What.</param>
    /// <param name="moreFollows">Another one is ready: this one may wait for it and share its packet.</param>
    /// <param name="cancellationToken">Ends the wait for room.</param>
    public static Task WriteAsync<T>(
        this IServerStreamWriter<T> responses, T message, bool moreFollows, CancellationToken cancellationToken = default)
    {
        responses.WriteOptions = moreFollows ? MayWait : WriteOptions.Default;
        return responses.WriteAsync(message, cancellationToken);
    }
}
