using Grpc.Core;

namespace PgEtcd.Api.Calls;

/// <summary>Answers calls of one method, whatever its kind.</summary>
/// <typeparam name="TArgument">The request, or the streams.</typeparam>
/// <typeparam name="TResult">The response; for a stream of responses anything.</typeparam>
public delegate Task<TResult> CallHandler<in TArgument, TResult>(TArgument argument, ServerCallContext context);

/// <summary>Something that stands around calls.</summary>
public interface ICallWrapper
{
    /// <summary>Asked once for each method.</summary>
    /// <param name="method">The method.</param>
    /// <param name="handler">What answers its calls.</param>
    /// <returns>What answers them from now on; <paramref name="handler"/> when nothing is to stand around this method.</returns>
    CallHandler<TArgument, TResult> Around<TArgument, TResult>(IMethod method, CallHandler<TArgument, TResult> handler);
}

/// <summary>Told of the beginning and the end of calls, without a frame of its own around them.</summary>
public interface ICallObserver
{
    /// <summary>A call begins.</summary>
    void OnBegin();

    /// <summary>A call has ended.</summary>
    /// <param name="request">Its request.</param>
    /// <param name="context">The call.</param>
    /// <param name="ending">Its response, or an exception.</param>
    /// <param name="begun">When it began, a timestamp of Stopwatch.</param>
    void OnEnd(object? request, ServerCallContext context, object? ending, long begun);
}
