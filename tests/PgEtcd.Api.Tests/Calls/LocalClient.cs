using System.Threading.Channels;
using Grpc.Core;
using Microsoft.AspNetCore.Http;
using PgEtcd.Api.Calls;

namespace PgEtcd.Api.Tests.Calls;

/// <summary>The caller's side of a local call, like the gateway's.</summary>
internal sealed class LocalClient : IAsyncDisposable
{
    private readonly Channel<byte[]> _requests = Channel.CreateUnbounded<byte[]>();
    private readonly Channel<byte[]> _responses = Channel.CreateBounded<byte[]>(1);
    private readonly CancellationTokenSource _ended;
    private readonly Task _served;

    private LocalClient(MethodTable methods, string method, HttpContext cause, IHeaderDictionary metadata, CancellationToken gone)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(gone);
        _served = ServeAsync();

        async Task ServeAsync()
        {
            Status = await methods.CallAsync(method, cause, metadata, new Requests(_requests), new Responses(_responses), _ended.Token);
            _responses.Writer.Complete();
        }
    }

    /// <summary>The status of the call, once there are no more responses.</summary>
    public Status Status { get; private set; }

    public static LocalClient Start(
        MethodTable methods, string method, HttpContext cause, IHeaderDictionary metadata, CancellationToken gone) =>
        new(methods, method, cause, metadata, gone);

    public ValueTask SendAsync(byte[] message, CancellationToken cancellationToken) =>
        _requests.Writer.WriteAsync(message, cancellationToken);

    public void EndRequests() => _requests.Writer.Complete();

    public async Task<byte[]?> ReadAsync(CancellationToken cancellationToken) =>
        await _responses.Reader.WaitToReadAsync(cancellationToken) && _responses.Reader.TryRead(out byte[]? message) ? message : null;

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _served;
        _ended.Dispose();
    }

    private sealed class Requests(Channel<byte[]> channel) : IAsyncStreamReader<byte[]>
    {
        public byte[] Current { get; private set; } = [];

        public async Task<bool> MoveNext(CancellationToken cancellationToken)
        {
            if (!await channel.Reader.WaitToReadAsync(cancellationToken))
            {
                return false;
            }

            Current = await channel.Reader.ReadAsync(cancellationToken);
            return true;
        }
    }

    private sealed class Responses(Channel<byte[]> channel) : IServerStreamWriter<byte[]>
    {
        public WriteOptions? WriteOptions { get; set; }

        public Task WriteAsync(byte[] message) => WriteAsync(message, CancellationToken.None);

        public Task WriteAsync(byte[] message, CancellationToken cancellationToken) =>
            channel.Writer.WriteAsync(message, cancellationToken).AsTask();
    }
}
