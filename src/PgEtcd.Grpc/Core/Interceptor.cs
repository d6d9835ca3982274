namespace Grpc.Core.Interceptors;

/// <summary>Stands between the server and its services; each method is overridden to see that kind of call.</summary>
public abstract class Interceptor
{
    /// <summary>A call with one request and one response.</summary>
    /// <param name="request">The request.</param>
    /// <param name="context">The call.</param>
    /// <param name="continuation">The next interceptor, or the service.</param>
    public virtual Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class => continuation(request, context);

    /// <summary>A call with many requests and one response.</summary>
    /// <param name="requestStream">The requests.</param>
    /// <param name="context">The call.</param>
    /// <param name="continuation">The next interceptor, or the service.</param>
    public virtual Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class => continuation(requestStream, context);

    /// <summary>A call with one request and many responses.</summary>
    /// <param name="request">The request.</param>
    /// <param name="responseStream">Where the responses go.</param>
    /// <param name="context">The call.</param>
    /// <param name="continuation">The next interceptor, or the service.</param>
    public virtual Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        ServerStreamingServerMethod<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class => continuation(request, responseStream, context);

    /// <summary>A call with many requests and many responses.</summary>
    /// <param name="requestStream">The requests.</param>
    /// <param name="responseStream">Where the responses go.</param>
    /// <param name="context">The call.</param>
    /// <param name="continuation">The next interceptor, or the service.</param>
    public virtual Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream,
        IServerStreamWriter<TResponse> responseStream,
        ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
        where TRequest : class
        where TResponse : class => continuation(requestStream, responseStream, context);
}
