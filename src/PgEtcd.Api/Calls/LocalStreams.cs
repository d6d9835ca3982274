using Grpc.Core;
using PgEtcd.Api.Wire;

namespace PgEtcd.Api.Calls;

/// <summary>The messages of a local call, decoded for its service. The end of the call ends every wait.</summary>
internal static class LocalStreams
{
    /// <summary>Reads the only request of a call.</summary>
    public static async Task<T> SingleAsync<T>(IAsyncStreamReader<byte[]> requests, Marshaller<T> marshaller, CallContext call) =>
        await requests.MoveNext(call.CancellationToken)
            ? Messages.Decode(marshaller, requests.Current)
            : throw new RpcException(new Status(StatusCode.Internal, "unexpected EOF"));

    /// <summary>Writes the only response of a call, unless the service has set a status other than OK.</summary>
    public static Task WriteAsync<T>(IServerStreamWriter<byte[]> responses, Marshaller<T> marshaller, T response, CallContext call) =>
        call.Status.StatusCode == StatusCode.OK
            ? responses.WriteAsync(Messages.Encode(marshaller, response), call.CancellationToken)
            : Task.CompletedTask;

    private static CancellationToken Either(CallContext call, CancellationToken asked) =>
        asked.CanBeCanceled ? asked : call.CancellationToken;

    public sealed class Reader<T>(IAsyncStreamReader<byte[]> requests, Marshaller<T> marshaller, CallContext call) : IAsyncStreamReader<T>
    {
        public T Current { get; private set; } = default!;

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await requests.MoveNext(Either(call, cancellationToken)))
            {
                return false;
            }

            Current = Messages.Decode(marshaller, requests.Current);
            return true;
        }
    }

    public sealed class Writer<T>(IServerStreamWriter<byte[]> responses, Marshaller<T> marshaller, CallContext call)
        : IServerStreamWriter<T>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(T message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(T message, CancellationToken cancellationToken) =>
            responses.WriteAsync(Messages.Encode(marshaller, message), Either(call, cancellationToken));
    }
}
