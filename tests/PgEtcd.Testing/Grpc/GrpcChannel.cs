using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Client = Grpc.Net.Client.GrpcChannel;

namespace PgEtcd.Testing.Grpc;

/// <summary>
/// Grpc.Net.Client with methods named as on the wire without the leading slash (<c>etcdserverpb.KV/Put</c>), for PgEtcd and real
/// etcd alike. Every failure is an <see cref="RpcException"/>; no connection is <see cref="StatusCode.Unavailable"/>.
/// </summary>
public sealed class GrpcChannel : IAsyncDisposable
{
    private readonly HttpMessageInvoker _http;
    private readonly Client _channel;
    private readonly CallInvoker _calls;

    /// <summary>Creates a channel, which connects at the first call.</summary>
    /// <param name="address">For instance <c>http://127.0.0.1:2379</c>.</param>
    /// <param name="singleConnection">Whether to keep to one connection, even with more streams than the server admits on one.</param>
    /// <param name="tls">The TLS options for an https address.</param>
    /// <param name="from">The client's own address, on Linux any of 127.0.0.0/8.</param>
    /// <param name="opening">Bytes to send first on a connection, before TLS.</param>
    public GrpcChannel(
        Uri address, bool singleConnection = false, SslClientAuthenticationOptions? tls = null, IPAddress? from = null,
        byte[]? opening = null)
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
        {
            handler.SslOptions = tls;
        }

        if (from is not null || opening is not null)
        {
            handler.ConnectCallback = (context, cancellationToken) => ConnectAsync(context.DnsEndPoint, from, opening, cancellationToken);
        }

        _http = new HttpMessageInvoker(handler);
        _channel = Client.ForAddress(
            address, new GrpcChannelOptions { HttpHandler = new Plain(_http), MaxReceiveMessageSize = null, MaxSendMessageSize = null });
        _calls = _channel.CreateCallInvoker();
    }

    /// <summary>The address of the server.</summary>
    public Uri Address { get; }

    /// <summary>One request, one response.</summary>
    /// <param name="timeout">Sent as grpc-timeout; the client also gives up by itself. A raw call waits for the server's own
    /// answer.</param>
    public Task<TResponse> UnaryAsync<TRequest, TResponse>(
        string method, TRequest request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new() =>
        UnaryAsync(Method<TRequest, TResponse>(MethodType.Unary, method), request, headers, timeout, cancellationToken);

    /// <summary>One request, one response, both as encoded messages.</summary>
    public Task<byte[]> UnaryRawAsync(
        string method, byte[] request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        UnaryAsync(Raw(MethodType.Unary, method), request, headers, timeout, cancellationToken);

    /// <summary>One request, any number of responses. Leaving the loop cancels the call.</summary>
    public IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        string method, TRequest request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new() =>
        ServerStreamAsync(Method<TRequest, TResponse>(MethodType.ServerStreaming, method), request, headers, timeout, cancellationToken);

    /// <summary>One request, any number of responses, as encoded messages.</summary>
    public IAsyncEnumerable<byte[]> ServerStreamRawAsync(
        string method, byte[] request, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        ServerStreamAsync(Raw(MethodType.ServerStreaming, method), request, headers, timeout, cancellationToken);

    /// <summary>Both directions open until closed; disposing the call cancels it.</summary>
    public GrpcDuplexCall<TRequest, TResponse> Duplex<TRequest, TResponse>(
        string method, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new() =>
        new(_calls.AsyncDuplexStreamingCall(
            Method<TRequest, TResponse>(MethodType.DuplexStreaming, method), null, Options(headers, timeout, cancellationToken)));

    /// <summary>Both directions open until closed, with bytes as they are: for tests that break the framing.</summary>
    public GrpcRawCall DuplexRaw(
        string method, Metadata? headers = null, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        new(_http, new Uri(Address, method), new DuplexContent(), headers, timeout, cancellationToken);

    /// <summary>A call whose only request is sent with it; for callers that want its headers and trailers too.</summary>
    public GrpcRawCall StartRaw(
        string method, ReadOnlyMemory<byte> request, Metadata? headers = null, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        new(_http, new Uri(Address, method), new ByteArrayContent(GrpcFrame.Wrap(request.Span)), headers, timeout, cancellationToken);

    /// <summary>Closes the connections; calls under way fail.</summary>
    public ValueTask DisposeAsync()
    {
        _channel.Dispose();
        _http.Dispose();
        return ValueTask.CompletedTask;
    }

    /// <summary>.NET's client reports Internal when a connection breaks, also after a GOAWAY; grpc-go, and so etcd's clients, report
    /// Unavailable.</summary>
    internal static RpcException Mended(RpcException error) =>
        error is { StatusCode: StatusCode.Internal, Status.DebugException: HttpRequestException or IOException }
        && (error.Status.DebugException as HttpProtocolException ?? error.Status.DebugException.InnerException as HttpProtocolException)
            is not { ErrorCode: not 0 }
            ? new RpcException(new Status(StatusCode.Unavailable, error.Status.Detail, error.Status.DebugException), error.Trailers)
            : error;

    private static async ValueTask<Stream> ConnectAsync(
        DnsEndPoint to, IPAddress? from, byte[]? opening, CancellationToken cancellationToken)
    {
        Socket socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            socket.Bind(new IPEndPoint(from ?? IPAddress.Any, 0));
            await socket.ConnectAsync(to, cancellationToken).ConfigureAwait(false);
            await socket.SendAsync(opening ?? [], cancellationToken).ConfigureAwait(false);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static Method<TRequest, TResponse> Method<TRequest, TResponse>(MethodType type, string method)
        where TRequest : class, IMessage
        where TResponse : class, IMessage<TResponse>, new() => Method(
        type,
        method,
        Marshallers.Create<TRequest>(message => message.ToByteArray(), _ => throw new NotSupportedException("Requests are only written.")),
        Marshallers.Create<TResponse>(_ => throw new NotSupportedException("Responses are only read."), Parse<TResponse>));

    private static Method<byte[], byte[]> Raw(MethodType type, string method)
    {
        Marshaller<byte[]> asTheyAre = Marshallers.Create<byte[]>(bytes => bytes, bytes => bytes);
        return Method(type, method, asTheyAre, asTheyAre);
    }

    private static Method<TRequest, TResponse> Method<TRequest, TResponse>(
        MethodType type, string method, Marshaller<TRequest> requests, Marshaller<TResponse> responses)
    {
        int slash = method.LastIndexOf('/');
        return new Method<TRequest, TResponse>(type, slash < 0 ? "" : method[..slash], method[(slash + 1)..], requests, responses);
    }

    private static T Parse<T>(byte[] message)
        where T : IMessage<T>, new()
    {
        T parsed = new();
        parsed.MergeFrom(message);
        return parsed;
    }

    private async Task<TResponse> UnaryAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method, TRequest request, Metadata? headers, TimeSpan? timeout, CancellationToken cancellationToken)
        where TRequest : class
        where TResponse : class
    {
        try
        {
            using AsyncUnaryCall<TResponse> call = _calls.AsyncUnaryCall(
                method, null, Options(headers, timeout, cancellationToken), request);
            return await call.ResponseAsync.ConfigureAwait(false);
        }
        catch (RpcException error)
        {
            throw Mended(error);
        }
    }

    private async IAsyncEnumerable<TResponse> ServerStreamAsync<TRequest, TResponse>(
        Method<TRequest, TResponse> method,
        TRequest request,
        Metadata? headers,
        TimeSpan? timeout,
        [EnumeratorCancellation] CancellationToken cancellationToken)
        where TRequest : class
        where TResponse : class
    {
        using AsyncServerStreamingCall<TResponse> call = _calls.AsyncServerStreamingCall(
            method, null, Options(headers, timeout, cancellationToken), request);
        while (await MoveNextAsync().ConfigureAwait(false))
        {
            yield return call.ResponseStream.Current;
        }

        async Task<bool> MoveNextAsync()
        {
            try
            {
                return await call.ResponseStream.MoveNext(cancellationToken).ConfigureAwait(false);
            }
            catch (RpcException error)
            {
                throw Mended(error);
            }
        }
    }

    private static CallOptions Options(Metadata? headers, TimeSpan? timeout, CancellationToken cancellationToken) =>
        new(headers, timeout is { } limit ? DateTime.UtcNow + limit : null, cancellationToken);

    /// <summary>Grpc.Net.Client would take over a SocketsHttpHandler, but raw calls must use the same connections.</summary>
    private sealed class Plain(HttpMessageInvoker http) : HttpMessageHandler
    {
        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken) =>
            http.SendAsync(request, cancellationToken);
    }
}
