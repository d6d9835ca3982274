using System.Net;
using System.Net.Security;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;

namespace PgEtcd.Testing.Grpc;

/// <summary>
/// A small gRPC client (without TLS: HTTP/2 with prior knowledge), for PgEtcd and real etcd alike. Methods are
/// named as on the wire without the leading slash: <c>etcdserverpb.KV/Put</c>. Every failure is an
/// <see cref="RpcException"/>; no connection is <see cref="StatusCode.Unavailable"/>.
/// </summary>
public sealed class GrpcChannel : IAsyncDisposable
{
    private readonly HttpMessageInvoker _http;

    /// <summary>Makes a channel; nothing is connected before the first call.</summary>
    /// <param name="address">For instance <c>http://127.0.0.1:2379</c>.</param>
    /// <param name="singleConnection">Never open a second connection, even with more streams than the server admits on one.</param>
    /// <param name="tls">For an address with https.</param>
    public GrpcChannel(Uri address, bool singleConnection = false, SslClientAuthenticationOptions? tls = null)
    {
        Address = address;
        SocketsHttpHandler handler = new()
        {
            EnableMultipleHttp2Connections = !singleConnection,
            AutomaticDecompression = DecompressionMethods.None,
            AllowAutoRedirect = false,
            UseCookies = false,
            UseProxy = false,
            ConnectTimeout = TimeSpan.FromSeconds(10),
            PooledConnectionIdleTimeout = Timeout.InfiniteTimeSpan,
        };
        if (tls is not null)
            handler.SslOptions = tls;
        _http = new HttpMessageInvoker(handler);
    }

    /// <summary>The server.</summary>
    public Uri Address { get; }

    /// <summary>One request, one response.</summary>
    /// <param name="timeout">Sent as grpc-timeout; a second later the client gives up by itself.</param>
    public async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        string method, TRequest request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        where TRequest : IMessage
        where TResponse : IMessage<TResponse>, new()
    {
        byte[] response = await UnaryRawAsync(method, request.ToByteArray(), headers, timeout, cancellationToken).ConfigureAwait(false);
        return Parse<TResponse>(response);
    }

    /// <summary>One request, one response, both as encoded messages.</summary>
    public async Task<byte[]> UnaryRawAsync(
        string method, ReadOnlyMemory<byte> request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
    {
        using GrpcRawCall call = StartRaw(method, request, headers, timeout, cancellationToken);
        if (!await call.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            throw new RpcException(new Status(StatusCode.Internal, "The call succeeded without a response."), call.Trailers);
        byte[] response = call.Current;
        if (await call.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            throw new RpcException(new Status(StatusCode.Internal, "A unary call was answered twice."));
        return response;
    }

    /// <summary>One request, any number of responses. Leaving the loop cancels the call.</summary>
    public async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        string method, TRequest request, Metadata? headers = null, TimeSpan? timeout = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
        where TRequest : IMessage
        where TResponse : IMessage<TResponse>, new()
    {
        using GrpcRawCall call = StartRaw(method, request.ToByteArray(), headers, timeout, cancellationToken);
        while (await call.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            yield return Parse<TResponse>(call.Current);
    }

    /// <summary>One request, any number of responses, as encoded messages.</summary>
    public async IAsyncEnumerable<byte[]> ServerStreamRawAsync(
        string method, ReadOnlyMemory<byte> request, Metadata? headers = null, TimeSpan? timeout = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using GrpcRawCall call = StartRaw(method, request, headers, timeout, cancellationToken);
        while (await call.MoveNextAsync(cancellationToken).ConfigureAwait(false))
            yield return call.Current;
    }

    /// <summary>Both directions open until closed; disposing the call cancels it.</summary>
    public GrpcDuplexCall<TRequest, TResponse> Duplex<TRequest, TResponse>(
        string method, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        where TRequest : IMessage
        where TResponse : IMessage<TResponse>, new() =>
        new(DuplexRaw(method, headers, timeout, cancellationToken));

    /// <summary>Both directions open until closed, with encoded messages.</summary>
    public GrpcRawCall DuplexRaw(
        string method, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        new(_http, new Uri(Address, method), new DuplexContent(), headers, timeout, cancellationToken);

    /// <summary>A call whose only request is sent with it; for callers that want its headers and trailers too.</summary>
    public GrpcRawCall StartRaw(
        string method, ReadOnlyMemory<byte> request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        new(_http, new Uri(Address, method), new ByteArrayContent(GrpcFrame.Wrap(request.Span)), headers, timeout, cancellationToken);

    /// <summary>Closes the connections; calls under way fail.</summary>
    public ValueTask DisposeAsync()
    {
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    internal static T Parse<T>(byte[] message)
        where T : IMessage<T>, new()
    {
        var parsed = new T();
        parsed.MergeFrom(message);
        return parsed;
    }
}
